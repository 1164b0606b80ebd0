import { HashMemory } from './hash-memory.ts';

/**
 * Room for the largest reply of a server, a batch of 16 MiB and one document more than that by 16 KiB at most, and for the frame that becomes of
 * it at its worst.
 */
const pieceBytes = 17 * 2 ** 20;
/** Smaller pieces are left to the garbage collector: they cost little. */
const smallestPiece = 2 ** 20;
/** Pieces that wait for the next use; more are left to the garbage collector. */
const mostFree = 8;

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
 * end a lease leaves the piece to the garbage collector.
 */
class MemoryPool {
  readonly #free: HashMemory[] = [];
  readonly #leases = new WeakMap<ArrayBufferLike, Lease>();

  /** Memory of this length, bytes. What is in it is left from its last use. */
  take(length: number): Buffer {
    if (length > pieceBytes || length < smallestPiece) return Buffer.allocUnsafeSlow(length);
    const memory = this.#free.pop() ?? new HashMemory(pieceBytes);
    const lease = new Lease(() => {
      if (this.#free.length < mostFree) this.#free.push(memory);
    });
    this.#leases.set(memory.bytes.buffer, lease);
    return memory.bytes.subarray(0, length);
  }

  /** The lease of the piece that these bytes are a part of; ask while nobody can have ended it. */
  leaseOf(bytes: Buffer): Lease | undefined {
    return this.#leases.get(bytes.buffer);
  }
}

/** One for the process: dumps, proofs and restores hand memory on to each other. */
export const memoryPool = new MemoryPool();
