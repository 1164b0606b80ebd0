import { HashMemory, type HashedDocuments } from './hash-memory.ts';
import { forEachDocument, forEachInArray, InvalidBson, type DocumentRun } from './raw-bson.ts';

/** Memory for bytes that lie elsewhere. A larger one takes its place when it has to. */
class Scratch {
  #memory: HashMemory | undefined;

  copy(bytes: Buffer): { readonly memory: HashMemory; readonly copy: Buffer } {
    if (this.#memory === undefined || this.#memory.bytes.length < bytes.length)
      this.#memory = new HashMemory(Math.max(2 * bytes.length, 2 ** 20));
    bytes.copy(this.#memory.bytes);
    return { memory: this.#memory, copy: this.#memory.bytes.subarray(0, bytes.length) };
  }
}

const scratch = new Scratch();

/** Hashes documents one after another: the sum of the xxHash128 of each. Throws `InvalidBson`. */
export function hashDocuments(bytes: Buffer): HashedDocuments {
  const { memory, copy } = placed(bytes);
  const found = memory.hash(copy);
  if (found !== undefined) return found;
  forEachDocument(bytes, () => undefined);
  throw new InvalidBson('documents cannot be walked', 0);
}

/**
 * Hashes the documents of `array`, a BSON array of documents, and moves them together at its start, over what was there: the bytes of a
 * reply become those of a frame. Throws `InvalidBson`.
 */
export function joinAndHash(array: Buffer): HashedDocuments & DocumentRun {
  const { memory, copy } = placed(array);
  const joined = memory.join(copy);
  if (joined === undefined) {
    if (copy !== array) forEachInArray(array, () => undefined);
    throw new InvalidBson('a batch cannot be walked', 0);
  }
  const { used, ...found } = joined;
  if (copy !== array) copy.copy(array, 0, 0, used);
  return { ...found, bytes: array.subarray(0, used) };
}

/** The bytes in memory that is walked: where they lie when they lie in one, else a copy. */
function placed(bytes: Buffer): { readonly memory: HashMemory; readonly copy: Buffer } {
  const memory = HashMemory.of(bytes);
  return memory === undefined ? scratch.copy(bytes) : { memory, copy: bytes };
}
