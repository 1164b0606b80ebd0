import { createHash } from 'node:crypto';
import { BSON, type Db } from 'mongodb';

/**
 * What a database holds, by the demo's own means: it shares no code with the actions whose work it judges. Each collection is one text of
 * its type, options and indexes, and the SHA-256 of each document's bytes.
 */
export type Fingerprint = ReadonlyMap<string, CollectionPrint>;

interface CollectionPrint {
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
    prints.set(name, { shape, hashes: type === 'view' ? [] : await hashesOf(db, name) });
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

/** What must be there when all that happened from `earlier` to `later` is kept, and nothing of what happened before: documents only. */
export function withWrites(
  before: Fingerprint,
  { earlier, later }: { readonly earlier: Fingerprint; readonly later: Fingerprint },
): Fingerprint {
  const collections = [...before].map(([name, print]): [string, CollectionPrint] => {
    const [then, now] = [new Set(earlier.get(name)?.hashes), new Set(later.get(name)?.hashes)];
    const kept = print.hashes.filter((hash) => now.has(hash) || !then.has(hash));
    const added = [...now].filter((hash) => !then.has(hash));
    return [name, { ...print, hashes: [...kept, ...added].sort() }];
  });
  return new Map(collections);
}

/** Documents that `later` holds and `earlier` does not. */
export function countAdded({ earlier, later }: { readonly earlier: Fingerprint; readonly later: Fingerprint }): number {
  return [...later].reduce((sum, [name, { hashes }]) => {
    const then = new Set(earlier.get(name)?.hashes);
    return sum + hashes.filter((hash) => !then.has(hash)).length;
  }, 0);
}

export function totalDocuments(fingerprint: Fingerprint): number {
  return [...fingerprint.values()].reduce((sum, { hashes }) => sum + hashes.length, 0);
}

async function hashesOf(db: Db, name: string): Promise<readonly string[]> {
  const hashes: string[] = [];
  const cursor = db.collection(name).find({}, { raw: true, batchSize: 10_000 });
  for await (const bytes of cursor) {
    hashes.push(
      createHash('sha256')
        .update(bytes as unknown as Uint8Array)
        .digest('base64'),
    );
  }
  return hashes.sort();
}

function asText(value: unknown): string {
  return BSON.EJSON.stringify(value, { relaxed: false });
}
