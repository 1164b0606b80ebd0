import { createHash } from 'node:crypto';
import { BSON, type Db } from 'mongodb';
import { z } from 'zod';

const collection = z.object({
  type: z.string(),
  options: z.record(z.string(), z.unknown()),
  documents: z.number().exactOptional(),
  sha256: z.string().exactOptional(),
  indexes: z.array(z.string()).exactOptional(),
});

/** What a server holds, in the form of the `truth.json` beside the stock dumps: counted without any code of the product. */
export type StockTruth = Readonly<Record<string, z.infer<typeof collection>>>;

/** The truth of every database of a `truth.json`. */
export function parseStockTruth(text: string): Readonly<Record<string, StockTruth>> {
  return z.record(z.string(), z.record(z.string(), collection)).parse(JSON.parse(text));
}

/** The truth of a database; `system.buckets.*` are told like collections, other `system.*` are left out. */
export async function stockTruthOf(db: Db): Promise<StockTruth> {
  const truth: Record<string, z.infer<typeof collection>> = {};
  for (const info of await db.listCollections().toArray()) {
    const { name, type, options } = info as { name: string; type: string; options: object };
    if (name.startsWith('system.') && !name.startsWith('system.buckets.')) continue;
    const definition = { type, options: JSON.parse(BSON.EJSON.stringify(options, { relaxed: false })) as Record<string, unknown> };
    if (type === 'view') truth[name] = definition;
    else if (type === 'timeseries')
      truth[name] = { ...definition, documents: await db.collection(name).countDocuments(), indexes: await indexesOf(db, name, true) };
    else truth[name] = { ...definition, ...(await contentsOf(db, name)), indexes: await indexesOf(db, name, false) };
  }
  return truth;
}

async function indexesOf(db: Db, name: string, relaxed: boolean): Promise<string[]> {
  return (await db.collection(name).indexes()).map((index) => BSON.EJSON.stringify(index, { relaxed })).sort();
}

async function contentsOf(db: Db, name: string): Promise<{ readonly documents: number; readonly sha256: string }> {
  const hashes: string[] = [];
  for await (const raw of db.collection(name).find({}, { raw: true })) hashes.push(sha256(raw as unknown as Buffer));
  return { documents: hashes.length, sha256: sha256(hashes.sort().join('\n')) };
}

function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
