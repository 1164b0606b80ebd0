import { HashMemory } from './hash-memory.ts';

/** Room for the largest reply of a server: a batch of documents is 16 MiB, and one document more than that by 16 KiB at most. */
const replyBytes = 17 * 2 ** 20;
/** Memories that wait for the next reply; more are left to the garbage collector. */
const mostFree = 6;

/** The right to use the memory of one reply. It ends once, by whom the reply was given to. */
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
 * Memory of large replies, used again and again: fresh memory for every reply costs more than reading it. Whoever does not end a lease
 * leaves the memory to the garbage collector.
 */
class ReplyMemory {
  readonly #free: HashMemory[] = [];
  readonly #leases = new WeakMap<ArrayBufferLike, Lease>();

  /** Memory for a message of this length. */
  take(length: number): Buffer {
    if (length > replyBytes) return Buffer.allocUnsafeSlow(length);
    const memory = this.#free.pop() ?? new HashMemory(replyBytes);
    const lease = new Lease(() => {
      if (this.#free.length < mostFree) this.#free.push(memory);
    });
    this.#leases.set(memory.bytes.buffer, lease);
    return memory.bytes.subarray(0, length);
  }

  /** The lease of the reply that these bytes are a part of; ask while nobody can have ended it. */
  leaseOf(reply: Buffer): Lease | undefined {
    return this.#leases.get(reply.buffer);
  }
}

export const replyMemory = new ReplyMemory();
