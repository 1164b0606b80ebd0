import { databaseName, connect } from '@migration-guard/shared/mongo/connect';
import { Secret } from '@migration-guard/shared/redaction/secret';
import { latestPoint, locatePoint, requireDatabase, rollbackPoint, type RollbackPoint } from '@migration-guard/shared/rollback/point';
import type { Db, MongoClient } from 'mongodb';
import type { RollbackContext, RollbackInputs } from './contract.ts';

/** What is rolled back, and where to. */
export interface Subject extends AsyncDisposable {
  readonly client: MongoClient;
  readonly db: Db;
  readonly database: string;
  readonly point: RollbackPoint;
  /** The input, or `latest`, or the file of the run folder: for the person who has to repeat the step. */
  readonly pointLocation: string;
}

/** Reads the rollback point, before anything is asked of the server where it is a file, and connects. */
export async function openSubject(inputs: RollbackInputs, context: RollbackContext): Promise<Subject> {
  const place = locatePoint({ given: inputs.rollbackPoint, runFolder: context.runFolder, workspace: context.workspace });
  const read = place === 'latest' ? undefined : await rollbackPoint.read(place);
  const connection = await connect(inputs.uri ?? new Secret(''));
  try {
    const { client } = connection;
    const database = databaseName(inputs.database ?? connection.defaultDatabase ?? read?.database, connection);
    const point = read ?? (await latestPoint(client, database));
    requireDatabase(point, database);
    return { client, db: client.db(database), database, point, pointLocation: place, [Symbol.asyncDispose]: () => client.close() };
  } catch (error) {
    await connection.client.close();
    throw error;
  }
}
