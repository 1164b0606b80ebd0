/** Where the messages of a connection are put together. */
export interface AssemblerOptions {
  /** Memory for a large message of this length, bytes. */
  readonly memoryFor: (length: number) => Buffer;
  readonly onMessage: (message: Buffer) => void;
}

/** Room for what comes next when its length is not known yet; smaller messages get memory of their own length. */
const scratchBytes = 64 * 2 ** 10;
/** Messages from this length on are large. */
const largeBytes = 2 ** 20;
/** Length of the header. Source: MongoDB wire protocol. */
const smallest = 16;
/** Source: maxMessageSizeBytes in the server's hello. */
const largest = 48_000_000;

/**
 * Puts messages of the wire protocol together from what a socket reads: it is told where to read to, and how much was read. A large message
 * is read right to where it stays. Throws a RangeError for a length that no message has.
 */
export class MessageAssembler {
  readonly #options: AssemblerOptions;
  readonly #scratch = Buffer.allocUnsafeSlow(scratchBytes);
  /** The message whose length is known. */
  #message: Buffer | undefined;
  /** Bytes that are there, of the message or in the scratch. */
  #filled = 0;

  constructor(options: AssemblerOptions) {
    this.#options = options;
  }

  /** Where the next bytes belong. Never empty. */
  space(): Buffer {
    return (this.#message ?? this.#scratch).subarray(this.#filled);
  }

  /** So many bytes are now in what `space` gave. */
  took(bytes: number): void {
    this.#filled += bytes;
    if (this.#message === undefined) this.#sort();
    else if (this.#filled === this.#message.length) {
      const message = this.#message;
      this.#message = undefined;
      this.#filled = 0;
      this.#options.onMessage(message);
    }
  }

  /** Bytes that were read to another place. */
  take(chunk: Uint8Array): void {
    let position = 0;
    while (position < chunk.length) {
      const space = this.space();
      const part = chunk.subarray(position, position + space.length);
      space.set(part);
      this.took(part.length);
      position += part.length;
    }
  }

  /** Gives away the messages in the scratch, and a place of its own to the one that is not whole. */
  #sort(): void {
    const filled = this.#filled;
    let position = 0;
    while (filled - position >= smallest) {
      const length = this.#scratch.readInt32LE(position);
      if (length < smallest || length > largest) throw new RangeError(`a message of the server has the length ${length}`);
      const message = length < largeBytes ? Buffer.allocUnsafe(length) : this.#options.memoryFor(length);
      const there = this.#scratch.copy(message, 0, position, Math.min(position + length, filled));
      position += there;
      if (there < length) {
        this.#message = message;
        this.#filled = there;
        return;
      }
      this.#filled = 0;
      this.#options.onMessage(message);
    }
    this.#filled = this.#scratch.copy(this.#scratch, 0, position, filled);
  }
}
