import { readFile } from 'node:fs/promises';
import type { Db } from 'mongodb';
import { GuardError } from '@migration-guard/shared/errors/guard-error';
import { connect, databaseName, type Connection } from '@migration-guard/shared/mongo/connect';
import type { Project } from '@migration-guard/shared/migration/project';
import type { Secret } from '@migration-guard/shared/redaction/secret';
import type { MigrateContext, MigrateInputs } from './contract.ts';
import { untrustedReason } from './fork-safety.ts';
import { openUserProject } from './user-project.ts';

export interface Target {
  readonly uri: Secret;
  readonly connection: Connection;
  readonly database: string;
  readonly db: Db;
}

export interface ProjectAndTarget extends AsyncDisposable {
  readonly project: Project;
  readonly target: Target;
}

/**
 * Opens the project and connects to the target side by side: both take their time. Not for runs that strangers can start. Throws as
 * `openProject` does, else as `connect`, and `target/untrusted-event`.
 */
export async function openProjectAndTarget(inputs: MigrateInputs, context: MigrateContext): Promise<ProjectAndTarget> {
  const { uri } = inputs;
  if (uri === undefined) throw new GuardError('input/invalid', 'uri is required.');
  const connecting = refuseStrangers(uri, inputs, context).then(() => connect(uri));
  // What is wrong with the project is said first, and does not wait for a server that is silent.
  const project = await openUserProject(inputs, context).catch((error: unknown) => {
    connecting.then(({ client }) => client.close()).catch(() => undefined);
    throw error;
  });
  await using opening = new AsyncDisposableStack();
  opening.use(project);
  const connection = opening.use(await connecting);
  const named = inputs.database ?? (connection.defaultDatabase === undefined ? project.config.databaseName : undefined);
  const database = databaseName(named, connection);
  const opened = opening.move();
  return {
    project,
    target: { uri, connection, database, db: connection.client.db(database) },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
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
