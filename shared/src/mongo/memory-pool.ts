import { HashMemory } from './hash-memory.ts';

/**
 * Room for the largest reply of a server, a batch of 16 MiB and one document more than that by 16 KiB at most, and for the frame that becomes of
 * it at its worst.
 */
const pieceBytes = 17 * 2 ** 20;
/** Smaller pieces are left to the garbage collector: they cost little. */
const smallestPiece = 2 ** 20;
/** Pieces that there are at once. V8 does not see how large they are, so those that nobody gives back must not add up. */
const mostPieces = 10;

/** The right to use a piece of memory. It ends once, by whom the piece was given to. */
export class Lease {
  #end: (() => void) | undefined;

  constructor(end: () => void) {
    this.#end = end;
  }

  /** The bytes may be overwritten from now on. Later calls do nothing. */
  end(): void {
    this.#end?.();
    this.#end = undefined;
  }
}

/**
 * Memory for replies of the server and for frames, used again and again: memory that is made anew for each of them costs more than reading
 * them, and the garbage collector walks the whole heap whenever 64 MiB were made. Documents in it are hashed where they lie. Whoever does not
 * end a lease takes the piece out of the pool until it is collected; when none is left, there is ordinary memory.
 */
export class MemoryPool {
  readonly #free: HashMemory[] = [];
  #pieces = 0;
  readonly #lost = new FinalizationRegistry(() => this.#pieces--);
  readonly #leases = new WeakMap<ArrayBufferLike, Lease>();

  /** Memory of this length, bytes. What is in it is left from its last use. */
  take(length: number): Buffer {
    if (length > pieceBytes || length < smallestPiece) return Buffer.allocUnsafeSlow(length);
    const memory = this.#free.pop() ?? this.#another();
    if (memory === undefined) return Buffer.allocUnsafeSlow(length);
    this.#leases.set(memory.bytes.buffer, new Lease(() => this.#free.push(memory)));
    return memory.bytes.subarray(0, length);
  }

  #another(): HashMemory | undefined {
    if (this.#pieces === mostPieces) return undefined;
    const memory = new HashMemory(pieceBytes);
    this.#pieces++;
    this.#lost.register(memory.bytes.buffer, undefined);
    return memory;
  }

  /** The lease of the piece that these bytes are a part of; ask while nobody can have ended it. */
  leaseOf(bytes: Buffer): Lease | undefined {
    return this.#leases.get(bytes.buffer);
  }
}

/** One for the process: dumps, proofs and restores hand memory on to each other. */
export const memoryPool = new MemoryPool();
