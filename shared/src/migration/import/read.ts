import type { Db } from 'mongodb';
import { GuardError } from '../../errors/guard-error.ts';
import { readRecords } from '../history/records.ts';
import type { ForeignRecord } from './foreign-record.ts';
import { sourceFormats, type ImportSource } from './sources.ts';

export interface ForeignHistory {
  readonly source: ImportSource;
  readonly collection: string;
  readonly records: readonly ForeignRecord[];
}

/** Reads the history of another tool. Throws `migration/import-refused` when it holds nothing, or a state that nobody can take over. */
export async function readForeignHistory(db: Db, source: ImportSource, collection?: string): Promise<ForeignHistory> {
  const format = sourceFormats[source];
  const name = collection ?? format.collection;
  const records = format.read(await readRecords(db, name));
  const place = `${db.databaseName}.${name}`;
  if (records.length === 0) {
    throw new GuardError('migration/import-refused', `${place} holds no history of ${source}.`, {
      remedy: 'Check the inputs `database`, `import-from` and `import-collection`.',
    });
  }
  const dirty = records.find(({ state, upTo }) => state === 'failed' && upTo !== undefined);
  if (dirty !== undefined) {
    throw new GuardError('migration/import-refused', `${place} says that version ${dirty.id} is dirty: it was begun and did not end.`, {
      remedy: `Find out what of version ${dirty.id} is in the data, complete it or put it back, run \`migrate force\` with the version that the data is at, then import again.`,
    });
  }
  return { source, collection: name, records };
}
