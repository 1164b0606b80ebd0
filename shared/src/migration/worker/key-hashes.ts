import type { Document } from 'mongodb';
import { keyHash, keyHashLength } from '../write-command.ts';

/** Turns a document into BSON bytes: that of the driver whose values the migration uses. */
export type Serialize = (document: Document) => Uint8Array;

/** The `keyHash` of every `_id` of a command, one after another; nothing where one of them cannot be told. */
export type KeyHashes = () => Uint8Array | undefined;

/** Hashes what nobody can change meanwhile while the server is at work on the command, and everything else at once. */
export function hashKeys(ids: readonly unknown[], serialize: Serialize): KeyHashes {
  let hashes: { readonly bytes: Uint8Array | undefined } | undefined;
  const told: KeyHashes = () => (hashes ??= { bytes: hashAll(ids, serialize) }).bytes;
  if (ids.every(isImmutable)) setImmediate(told);
  else told();
  return told;
}

function isImmutable(id: unknown): boolean {
  if (typeof id !== 'object' || id === null) return typeof id !== 'function';
  return '_bsontype' in id && id._bsontype === 'ObjectId';
}

function hashAll(ids: readonly unknown[], serialize: Serialize): Uint8Array | undefined {
  const hashes = new Uint8Array(ids.length * keyHashLength);
  try {
    for (const [index, _id] of ids.entries()) hashes.set(keyHash(keyBytes(serialize({ _id }))), index * keyHashLength);
    return hashes;
  } catch {
    // The driver refuses it too.
    return undefined;
  }
}

/** Type byte and value of the only element, whose name is `_id`: the zero at the end of the name gives its place to the type. */
function keyBytes(document: Uint8Array): Uint8Array {
  const valueAt = 4 + 1 + '_id\0'.length;
  const key = document.subarray(valueAt - 1, -1);
  key[0] = document[4] ?? 0;
  return key;
}
