import type { MongoClient } from 'mongodb';
import { DocumentSequence } from 'mongodb/lib/cmap/commands.js';
import { GuardError } from '../errors/guard-error.ts';
import { elementOf, elementsOf, forEachDocument, rawDocument } from '../mongo/raw-bson.ts';
import type { DecodedFrame } from './frame-reader.ts';
import { nameOf, type Namespace } from './namespaces.ts';

/**
 * Servers put their own time in place of every Timestamp(0,0) at the top level of an inserted document, unless they know
 * `bypassEmptyTsReplacement`. Puts such documents back as they were: an update by an aggregation pipeline keeps them. Returns their number.
 */
export async function putBackEmptyTimestamps(client: MongoClient, frames: AsyncIterable<DecodedFrame>, at: Namespace): Promise<number> {
  let replaced = 0;
  for await (const { bytes } of frames) {
    const statements: Buffer[] = [];
    forEachDocument(bytes, (start, end) => {
      const document = bytes.subarray(start, end);
      if (hasEmptyTimestamp(document)) statements.push(replacement(document));
    });
    // One at a time: they are rare, and each may be as large as a document can be.
    for (const statement of statements) await update(client, at, statement);
    replaced += statements.length;
  }
  return replaced;
}

export function hasEmptyTimestamp(document: Buffer): boolean {
  for (const { type, name, value } of elementsOf(document))
    if (type === 0x11 && name !== '_id' && value.readBigUInt64LE() === 0n) return true;
  return false;
}

async function update(client: MongoClient, { database, collection }: Namespace, statement: Buffer): Promise<void> {
  const updates = new DocumentSequence('updates');
  updates.push({}, statement);
  const reply = await client.db(database).command({ update: collection, bypassDocumentValidation: true, writeConcern: { w: 1 }, updates });
  if (reply['n'] === 1 && reply['writeErrors'] === undefined) return;
  throw new GuardError(
    'restore/refused',
    `A document of ${nameOf({ database, collection })} could not be put back with its empty timestamp.`,
  );
}

/** `{ q: { _id }, u: [{ $replaceWith: { $literal: document } }] }` as bytes, or with `upsert: true` at its end. */
export function replacement(document: Buffer, upsert = false): Buffer {
  const id = elementOf(document, '_id');
  const literal = rawDocument([{ type: 0x03, name: '$literal', value: document }]);
  const stage = rawDocument([{ type: 0x03, name: '$replaceWith', value: literal }]);
  return rawDocument([
    { type: 0x03, name: 'q', value: rawDocument(id === undefined ? [] : [id]) },
    { type: 0x04, name: 'u', value: rawDocument([{ type: 0x03, name: '0', value: stage }]) },
    ...(upsert ? [{ type: 0x08, name: 'upsert', value: Buffer.from([1]) }] : []),
  ]);
}
