import { createHash } from 'node:crypto';
import { BSON, type Db } from 'mongodb';

/**
 * What a database holds, by the demo's own means: it shares no code with the actions whose work it judges. Each collection is one text of
 * its type, options and indexes, the number of its documents and a SHA-256 over the sorted SHA-256 of each document's bytes.
 */
export type Fingerprint = ReadonlyMap<string, CollectionPrint>;

interface CollectionPrint {
  readonly shape: string;
  readonly documents: number;
  readonly hash: string;
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
    prints.set(name, { shape, ...(type === 'view' ? { documents: 0, hash: '' } : await contentOf(db, name)) });
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
    if (then.documents !== now.documents) return [`${name} holds ${now.documents} documents instead of ${then.documents}`];
    return [
      ...(then.hash === now.hash ? [] : [`${name} has other contents`]),
      ...(then.shape === now.shape ? [] : [`${name} has other options or indexes`]),
    ];
  });
}

export function totalDocuments(fingerprint: Fingerprint): number {
  return [...fingerprint.values()].reduce((sum, { documents }) => sum + documents, 0);
}

async function contentOf(db: Db, name: string): Promise<{ documents: number; hash: string }> {
  const hashes: string[] = [];
  const cursor = db.collection(name).find({}, { raw: true, batchSize: 10_000 });
  for await (const bytes of cursor) {
    hashes.push(
      createHash('sha256')
        .update(bytes as unknown as Uint8Array)
        .digest('base64'),
    );
  }
  const all = createHash('sha256');
  for (const hash of hashes.sort()) all.update(hash);
  return { documents: hashes.length, hash: all.digest('hex') };
}

function asText(value: unknown): string {
  return BSON.EJSON.stringify(value, { relaxed: false });
}
