import type { DecodedFrame } from '../frame-reader.ts';

/** Hands frames from one reader to one consumer, one at a time: the reader goes on when the consumer asks for the next. */
export class Handover implements AsyncIterable<DecodedFrame> {
  #offered: DecodedFrame | undefined;
  #end: 'open' | 'ended' | 'failed' = 'open';
  #failure: unknown;
  #changed: PromiseWithResolvers<void> = Promise.withResolvers();

  /** Resolves when the frame is done with, or nobody wants it any more. */
  async put(frame: DecodedFrame): Promise<void> {
    if (this.#end !== 'open') return;
    this.#offered = frame;
    this.#change();
    while (this.#offered === frame && this.#end === 'open') await this.#changed.promise;
  }

  /** No more frames come. */
  end(): void {
    if (this.#end === 'open') this.#end = 'ended';
    this.#change();
  }

  /** No more frames come, and the consumer is told why. */
  fail(failure: unknown): void {
    if (this.#end === 'open') this.#end = 'failed';
    this.#failure ??= failure;
    this.#change();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<DecodedFrame, void, undefined> {
    try {
      for (;;) {
        const frame = this.#offered;
        if (this.#end === 'failed') throw this.#failure;
        if (frame !== undefined) {
          yield frame;
          this.#offered = undefined;
          this.#change();
        } else if (this.#end === 'ended') return;
        else await this.#changed.promise;
      }
    } finally {
      this.end();
    }
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
