import { inspect } from 'node:util';

const shown = '[secret]';

/** A value that shows itself as `[secret]` wherever it is printed, joined or serialised. `reveal()` is the only way to the text. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return shown;
  }

  toJSON(): string {
    return shown;
  }

  [inspect.custom](): string {
    return shown;
  }
}
