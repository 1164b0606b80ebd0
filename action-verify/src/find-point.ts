import { GuardError } from '@migration-guard/shared/errors/guard-error';
import { databaseName, type Connection } from '@migration-guard/shared/mongo/connect';
import { latestPoint, locatePoint, requireDatabase, rollbackPoint, type RollbackPoint } from '@migration-guard/shared/rollback/point';
import type { VerifyContext, VerifyInputs } from './contract.ts';

export interface Subject {
  readonly database: string;
  readonly point: RollbackPoint | undefined;
}

/**
 * The database to check and the rollback point to compare it with. A point that was asked for must be there; without the input its absence
 * is no error, and the newest one of the database is not taken: it may be of an earlier release.
 */
export async function findPoint(inputs: VerifyInputs, context: VerifyContext, connection: Connection): Promise<Subject> {
  const place = locatePoint({ given: inputs.rollbackPoint, runFolder: context.runFolder, workspace: context.workspace });
  if (place === 'latest') {
    const database = databaseName(inputs.database, connection);
    return { database, point: await latestPoint(connection.client, database) };
  }
  const point = await rollbackPoint.read(place).catch((error: unknown) => {
    if (inputs.rollbackPoint === undefined && error instanceof GuardError && error.code === 'document/not-found') return undefined;
    throw error;
  });
  const database = databaseName(inputs.database ?? connection.defaultDatabase ?? point?.database, connection);
  if (point !== undefined) requireDatabase(point, database);
  return { database, point };
}
