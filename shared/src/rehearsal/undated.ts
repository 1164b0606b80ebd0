import type { Db } from 'mongodb';
import { fromMongoError } from '../errors/mongo-errors.ts';
import type { Observation, Statement } from '../migration/observation.ts';
import { parseExtendedJson } from '../mongo/extended-json.ts';

/** An index by which documents shall expire, on a field that is a date in none of them. */
export interface Undated {
  readonly statement: Statement;
  readonly field: string;
}

/** Finds such indexes among those that a file has built. It only reads. Throws the errors of `fromMongoError`. */
export async function findUndated(db: Db, { statements }: Pick<Observation, 'statements'>): Promise<readonly Undated[]> {
  const found: Undated[] = [];
  for (const statement of statements) {
    if (statement.command !== 'createIndexes' || statement.definition === undefined || statement.errors > 0) continue;
    for (const field of expiringFields(statement.definition)) {
      if (await isUndated(db, statement.collection, field)) found.push({ statement, field });
    }
  }
  return found;
}

function expiringFields(definition: string): readonly string[] {
  const indexes = parseExtendedJson(definition).get('indexes');
  const all = (Array.isArray(indexes) ? indexes : []) as readonly unknown[];
  return all.flatMap((index) => {
    if (!(index instanceof Map) || index.get('expireAfterSeconds') === undefined) return [];
    const key: unknown = index.get('key');
    return key instanceof Map ? [String([...key.keys()][0])] : [];
  });
}

async function isUndated(db: Db, name: string, field: string): Promise<boolean> {
  try {
    const collection = db.collection(name);
    if ((await collection.findOne({}, { projection: { _id: 1 } })) === null) return false;
    return (await collection.findOne({ [field]: { $type: 'date' } }, { projection: { _id: 1 } })) === null;
  } catch (error) {
    throw fromMongoError(error, `Looking for dates in ${db.databaseName}.${name}`);
  }
}
