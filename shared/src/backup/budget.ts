/**
 * A bound on the bytes that wait in memory between a fast producer and a slow consumer. Holding never fails; producers wait for `room`
 * before they go on, so the bound is passed by at most what one producer makes between two waits.
 */
export class Budget {
  readonly #limit: number;
  #held = 0;
  #waiting: (() => void)[] = [];

  /** `limit` in bytes. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  hold(bytes: number): void {
    this.#held += bytes;
  }

  release(bytes: number): void {
    this.#held -= bytes;
    if (this.#held >= this.#limit) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resume of waiting) resume();
  }

  /** Resolves when less than the limit is held. */
  async room(): Promise<void> {
    while (this.#held >= this.#limit) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}
