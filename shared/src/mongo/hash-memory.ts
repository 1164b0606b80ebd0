import { hashMemoryLayout, hashModule, secretHex } from './document-hash-code.ts';

interface Exports {
  readonly memory: WebAssembly.Memory;
  readonly walk: (start: number, end: number) => number;
  readonly join: (start: number, end: number) => number;
}

/** What a pass over documents found. */
export interface HashedDocuments {
  readonly documents: number;
  /** Sum modulo 2^128 of the xxHash128 of each. */
  readonly sum: bigint;
}

/** Of documents that were moved together: how many bytes they are now, and where the last of them begins. */
export interface JoinedDocuments extends HashedDocuments {
  readonly used: number;
  readonly lastStart: number;
}

const pageBytes = 65_536;
const { input } = hashMemoryLayout;
const memories = new WeakMap<ArrayBufferLike, HashMemory>();

/**
 * Memory in which documents are hashed where they lie. It never moves, so that the network and the thread pool may work on it too. It is shared
 * memory only because V8 does not count that: 64 MiB of the other kind make it walk the whole heap.
 */
export class HashMemory {
  /** All of it, of the length that was asked for. */
  readonly bytes: Buffer<SharedArrayBuffer>;
  readonly #exports: Exports;
  readonly #all: Uint8Array;
  readonly #view: DataView;

  /** `capacity` in bytes. Pages that nothing is written to cost nothing. */
  constructor(capacity: number) {
    this.#exports = new WebAssembly.Instance(hashModule).exports as Exports;
    const { memory } = this.#exports;
    memory.grow(Math.ceil((input + capacity) / pageBytes));
    this.#all = new Uint8Array(memory.buffer);
    this.#view = new DataView(memory.buffer);
    this.#all.set(Buffer.from(secretHex, 'hex'));
    this.bytes = Buffer.from(memory.buffer, input, capacity);
    memories.set(memory.buffer, this);
  }

  /** The memory that these bytes are part of. */
  static of(bytes: Buffer): HashMemory | undefined {
    return memories.get(bytes.buffer);
  }

  /** Hashes documents one after another, which lie in this memory. `undefined` when they are not that. */
  hash(run: Buffer): HashedDocuments | undefined {
    return this.#pass(run, this.#exports.walk) ? this.#found() : undefined;
  }

  /** Hashes the documents of a BSON array in this memory and moves them together at its start. `undefined` when it is not that. */
  join(array: Buffer): JoinedDocuments | undefined {
    if (!this.#pass(array, this.#exports.join)) return undefined;
    const { used, lastStart } = hashMemoryLayout;
    return { ...this.#found(), used: this.#view.getUint32(used, true), lastStart: this.#view.getUint32(lastStart, true) };
  }

  #pass({ byteOffset, length }: Buffer, work: (start: number, end: number) => number): boolean {
    this.#all.fill(0, hashMemoryLayout.low, input);
    return work(byteOffset, byteOffset + length) === 1;
  }

  #found(): HashedDocuments {
    const { low, high, documents } = hashMemoryLayout;
    const sum = (this.#view.getBigUint64(high, true) << 64n) | this.#view.getBigUint64(low, true);
    return { documents: this.#view.getUint32(documents, true), sum };
  }
}
