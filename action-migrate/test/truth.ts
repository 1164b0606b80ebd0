import { createHash } from 'node:crypto';
import { BSON, type Db } from 'mongodb';

/** What a database holds, counted without the product's code. */
export type Truth = ReadonlyMap<string, string>;

export async function census(db: Db): Promise<Truth> {
  const truth = new Map<string, string>();
  for (const { name } of await db.listCollections({}, { nameOnly: true }).toArray()) {
    const hash = createHash('sha256');
    for (const document of await db.collection(name).find().sort({ _id: 1 }).toArray()) hash.update(BSON.serialize(document));
    truth.set(name, `${hash.digest('hex')} ${JSON.stringify(await db.collection(name).indexes())}`);
  }
  return truth;
}

/** Names of the collections that differ. */
export function differs(before: Truth, after: Truth): readonly string[] {
  return [...new Set([...before.keys(), ...after.keys()])].filter((name) => before.get(name) !== after.get(name));
}
