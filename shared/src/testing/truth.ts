import { createHash } from 'node:crypto';
import { BSON, type Db } from 'mongodb';

/** What a database holds, collection by collection, counted without any code of the product. */
export type Truth = Readonly<Record<string, string>>;

/** Type, options, indexes and the SHA-256 of the sorted raw documents of every collection that is not Migration Guard's own. */
export async function truthOf(db: Db): Promise<Truth> {
  const truth: Record<string, string> = {};
  for (const info of await db.listCollections().toArray()) {
    const { name, type, options } = info as { name: string; type: string; options: Record<string, unknown> };
    if (/^(migration_(lock|journal|rollback_points|reports|writes|structure|maintenance)|system\.)/.test(name)) continue;
    const hashes: string[] = [];
    const source = type === 'timeseries' ? `system.buckets.${name}` : name;
    if (type !== 'view') {
      for await (const raw of db.collection(source).find({}, { raw: true }))
        hashes.push(
          createHash('sha256')
            .update(raw as unknown as Buffer)
            .digest('hex'),
        );
    }
    const indexes = type === 'view' ? [] : (await db.collection(name).indexes()).map((index) => BSON.EJSON.stringify(index)).sort();
    const documents = `${hashes.length} documents ${createHash('sha256').update(hashes.sort().join()).digest('hex')}`;
    truth[name] = [type, BSON.EJSON.stringify(withoutDefaults(options)), ...indexes, documents].join('\n');
  }
  return truth;
}

/** After a change of the validator the server names also what applies without being named. */
function withoutDefaults(options: Record<string, unknown>): object {
  const defaults: Record<string, unknown> = { validationLevel: 'strict', validationAction: 'error' };
  return Object.fromEntries(Object.entries(options).filter(([name, value]) => defaults[name] !== value));
}

/** Names of the collections that are not the same in both, sorted. */
export function differingCollections(before: Truth, after: Truth): readonly string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((name) => before[name] !== after[name]).sort();
}
