import type { Document } from 'mongodb';
import { fromMongoError } from '../../errors/mongo-errors.ts';
import { createDigester } from '../../mongo/digest.ts';
import { readConcernOf, readRaw } from '../../mongo/raw-read.ts';
import { writeDocumentFile } from '../document-file.ts';
import type { ManifestAccounts } from '../manifest.ts';
import type { Reading } from '../read-all.ts';

const kinds = ['users', 'roles', 'version'] as const;

/**
 * Takes users and roles as mongodump does: all of them as collections of `admin`, or those of the chosen databases in files of their own
 * beside them. Throws the errors of `fromMongoError` and of the store. Source: mongodb/mongo-tools mongodump/mongodump.go.
 */
export async function dumpAccounts(reading: Reading, databases: readonly string[]): Promise<readonly ManifestAccounts[]> {
  const taken: ManifestAccounts[] = [];
  for (const database of databases.length === 0 ? [''] : databases)
    for (const kind of kinds) taken.push(await dumpKind(reading, kind, database));
  return taken;
}

async function dumpKind(
  { dump, atClusterTime, notBefore }: Reading,
  kind: ManifestAccounts['kind'],
  database: string,
): Promise<ManifestAccounts> {
  const { client, signal } = dump;
  const collection = `system.${kind}`;
  const command = {
    find: collection,
    filter: filterOf(kind, database),
    ...readConcernOf({ atClusterTime, notBefore: atClusterTime === undefined ? notBefore : undefined }),
  };
  const name = database === '' ? `admin/${collection}` : `${database}/$admin.${collection}`;
  const digester = createDigester();
  const paths = { dump: `dump/${name}`, frames: `frames/${name}.json`, expectedBytes: 0 };
  const { data } = await writeDocumentFile(dump, paths, async (frames) => {
    try {
      for await (const batch of readRaw({ client, database: 'admin', collection, command, signal })) {
        frames.add(digester.addArray(batch));
        await frames.ready();
      }
    } catch (error) {
      signal?.throwIfAborted();
      throw fromMongoError(error, `Reading the ${kind} of the server`);
    }
  });
  return { kind, database, digest: digester.digest(), data };
}

/** Of the versions only the one that tells the form of users and roles. */
function filterOf(kind: ManifestAccounts['kind'], database: string): Document {
  if (kind === 'version') return { _id: 'authSchema' };
  return database === '' ? {} : { db: database };
}
