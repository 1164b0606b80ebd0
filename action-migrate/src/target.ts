import { readFile } from 'node:fs/promises';
import type { Db } from 'mongodb';
import { GuardError } from '@migration-guard/shared/errors/guard-error';
import { connect, databaseName, type Connection } from '@migration-guard/shared/mongo/connect';
import type { Project } from '@migration-guard/shared/migration/project';
import type { Secret } from '@migration-guard/shared/redaction/secret';
import type { MigrateContext, MigrateInputs } from './contract.ts';
import { untrustedReason } from './fork-safety.ts';

export interface Target extends AsyncDisposable {
  readonly uri: Secret;
  readonly connection: Connection;
  readonly database: string;
  readonly db: Db;
}

/** Connects to the target; not for runs that strangers can start. Throws as `connect` does and `target/untrusted-event`. */
export async function openTarget(
  inputs: MigrateInputs,
  context: Pick<MigrateContext, 'env' | 'run'>,
  { config }: Pick<Project, 'config'>,
): Promise<Target> {
  const { uri } = inputs;
  if (uri === undefined) throw new GuardError('input/invalid', 'uri is required.');
  await refuseStrangers(uri, inputs, context);
  const connection = await connect(uri);
  try {
    const database = databaseName(
      inputs.database ?? (connection.defaultDatabase === undefined ? config.databaseName : undefined),
      connection,
    );
    return { uri, connection, database, db: connection.client.db(database), [Symbol.asyncDispose]: () => connection.client.close() };
  } catch (error) {
    await connection.client.close();
    throw error;
  }
}

/** Throws `target/untrusted-event`. */
export async function refuseStrangers(
  uri: Secret,
  inputs: MigrateInputs,
  { env, run }: Pick<MigrateContext, 'env' | 'run'>,
): Promise<void> {
  if (inputs.allowUntrusted) return;
  const file = env['GITHUB_EVENT_PATH'];
  const payload: unknown =
    file === undefined
      ? undefined
      : await readFile(file, 'utf8').then(
          (text) => JSON.parse(text) as unknown,
          () => undefined,
        );
  const reason = untrustedReason(run.event, payload, uri.reveal());
  if (reason !== undefined) throw new GuardError('target/untrusted-event', `${reason}: the server of the input uri was not contacted.`);
}
