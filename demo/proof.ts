import { createHash } from 'node:crypto';
import { BSON, type Db, type Document } from 'mongodb';

/**
 * What a database holds, by the demo's own means: it shares no code with the actions whose work it judges. Each collection is one text of
 * its type, options and indexes, and the SHA-256 of each document's bytes.
 */
export type Fingerprint = ReadonlyMap<string, CollectionPrint>;

interface CollectionPrint {
  /** `collection` or `view`. */
  readonly type: string;
  readonly shape: string;
  /** Sorted. */
  readonly hashes: readonly string[];
}

/** What Migration Guard itself writes into the target. */
const ofTheTool = /^migration_/;

export async function fingerprintOf(db: Db): Promise<Fingerprint> {
  const prints = new Map<string, CollectionPrint>();
  const infos = await db.listCollections({}, { nameOnly: false }).toArray();
  for (const { name, type, options } of infos.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (ofTheTool.test(name) || name.startsWith('system.')) continue;
    const indexes = type === 'view' ? [] : await db.collection(name).indexes();
    const shape = [type, asText(options), ...indexes.map(asText).sort()].join('\n');
    prints.set(name, { type: String(type), shape, hashes: type === 'view' ? [] : await hashesOf(db, name) });
  }
  return prints;
}

/** The difference between two fingerprints, one sentence each. */
export function differencesBetween(before: Fingerprint, after: Fingerprint): readonly string[] {
  const names = [...new Set([...before.keys(), ...after.keys()])].sort();
  return names.flatMap((name) => {
    const [then, now] = [before.get(name), after.get(name)];
    if (then === undefined) return [`${name} is new`];
    if (now === undefined) return [`${name} is gone`];
    if (then.hashes.length !== now.hashes.length) return [`${name} holds ${now.hashes.length} documents instead of ${then.hashes.length}`];
    return [
      ...(then.hashes.every((hash, index) => hash === now.hashes[index]) ? [] : [`${name} has other contents`]),
      ...(then.shape === now.shape ? [] : [`${name} has other options or indexes`]),
    ];
  });
}

/** A document that is not in a fingerprint. */
export interface Added {
  readonly hash: string;
  readonly document: Document;
}

/** The documents that the database holds now and `before` does not, by collection. */
export async function addedSince(db: Db, before: Fingerprint): Promise<ReadonlyMap<string, readonly Added[]>> {
  const added = new Map<string, readonly Added[]>();
  for (const [name, { type, hashes }] of before) {
    if (type === 'view') continue;
    const known = new Set(hashes);
    const found: Added[] = [];
    for await (const bytes of documentsOf(db, name)) {
      const hash = hashOf(bytes);
      if (!known.has(hash)) found.push({ hash, document: BSON.deserialize(bytes) });
    }
    if (found.length > 0) added.set(name, found);
  }
  return added;
}

/** The fingerprint without the documents that were added. Pure. */
export function without(fingerprint: Fingerprint, added: ReadonlyMap<string, readonly Added[]>): Fingerprint {
  return new Map(
    [...fingerprint].map(([name, print]): [string, CollectionPrint] => {
      const left = new Set(added.get(name)?.map(({ hash }) => hash));
      return [name, { ...print, hashes: print.hashes.filter((hash) => !left.has(hash)) }];
    }),
  );
}

export function totalDocuments(fingerprint: Fingerprint): number {
  return [...fingerprint.values()].reduce((sum, { hashes }) => sum + hashes.length, 0);
}

async function hashesOf(db: Db, name: string): Promise<readonly string[]> {
  const hashes: string[] = [];
  for await (const bytes of documentsOf(db, name)) hashes.push(hashOf(bytes));
  return hashes.sort();
}

/** The bytes of each document. */
async function* documentsOf(db: Db, name: string): AsyncGenerator<Uint8Array> {
  const cursor = db.collection(name).find({}, { raw: true, batchSize: 10_000 });
  for await (const bytes of cursor) yield bytes as unknown as Uint8Array;
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64');
}

function asText(value: unknown): string {
  return BSON.EJSON.stringify(value, { relaxed: false });
}
