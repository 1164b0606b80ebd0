import path from 'node:path';
import type { Db } from 'mongodb';
import type { CommandSettings } from '../../config/migrate.ts';
import { GuardError } from '../../errors/guard-error.ts';
import type { Log } from '../../log/log.ts';
import type { Secret } from '../../redaction/secret.ts';
import { deadlineAfter } from '../../timing/deadline.ts';
import type { Journal } from '../journal.ts';
import type { Lock } from '../lock.ts';
import { stopOperations } from '../operations.ts';
import { timeIsUp } from '../run.ts';
import { connectionStringFor } from './connection-string.ts';
import { describeCounts, readCounts } from './counts.ts';
import { journalName } from './journal-name.ts';
import { runCommand } from './run-command.ts';

export interface RunCommandsOptions {
  readonly commands: readonly CommandSettings[];
  readonly db: Db;
  readonly uri: Secret;
  /** Application name of their connections, by which the server's list of operations knows them. */
  readonly appName: string;
  readonly journal: Journal;
  readonly lock: Pick<Lock, 'lost'>;
  /** Folder to which theirs are relative. */
  readonly workspace: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** For all of them together, milliseconds. */
  readonly timeout?: number | undefined;
  /** Called with the name of each that ended well, as in the journal. */
  readonly onDone?: (name: string) => void;
}

export interface DoneCommand {
  /** As in the journal. */
  readonly name: string;
  readonly milliseconds: number;
  /** What is known of its work, for people. */
  readonly changes: string;
  /** Its last lines. */
  readonly output: readonly string[];
}

export interface CommandsResult {
  readonly done: readonly DoneCommand[];
  /** The command at which the run ended, and why. */
  readonly failure?: DoneCommand & { readonly error: GuardError };
  /** Why the next command was not even begun. */
  readonly stopped?: GuardError;
}

/** Runs commands in their order; the journal holds how each began and ended. A failure is a result: nothing after it runs. */
export async function runCommands(options: RunCommandsOptions): Promise<CommandsResult> {
  const done: DoneCommand[] = [];
  const total = options.timeout === undefined ? undefined : deadlineAfter(options.timeout);
  for (const [index, command] of options.commands.entries()) {
    if (options.signal.aborted) return { done, stopped: options.signal.reason as GuardError };
    if (total?.aborted === true) return { done, stopped: timeIsUp(journalName(command)) };
    const left = options.commands.length - index - 1;
    const one = { command, total, left: left === 0 ? 'the last command' : `${left} more commands pending` };
    const ended = await runOne(options, one).catch((error: unknown) => failed(command, error));
    if (ended.error !== undefined) return { done, failure: { ...ended, error: ended.error } };
    done.push(ended);
    options.log.info(`${ended.name}: ${(ended.milliseconds / 1_000).toFixed(1)} s, ${ended.changes}`);
    options.onDone?.(ended.name);
  }
  return { done };
}

interface One {
  readonly command: CommandSettings;
  /** Of all commands together. */
  readonly total: AbortSignal | undefined;
  readonly left: string;
}

type Ended = DoneCommand & { readonly error?: GuardError };

async function runOne(options: RunCommandsOptions, { command, total, left }: One): Promise<Ended> {
  const { db, uri, appName, journal, lock, workspace, env, log, signal } = options;
  const name = journalName(command);
  const own = command.timeout === undefined ? undefined : deadlineAfter(command.timeout);
  const before = await readCounts(db);
  await journal.append({ file: name, state: 'STARTED' });
  const { ending, output, milliseconds } = await runCommand({
    command,
    folder: path.resolve(workspace, command.folder),
    uri: connectionStringFor(uri.reveal(), { database: db.databaseName, appName }),
    database: db.databaseName,
    env,
    log,
    stop: AbortSignal.any([signal, ...[total, own].filter((limit) => limit !== undefined)]),
    kill: lock.lost,
    left,
  });
  const interrupted = interruption(name, { cancel: signal, lost: lock.lost, total, own });
  if (interrupted !== undefined) await stopOperations(db.client, appName, log);
  const error = interrupted ?? failureOf(name, ending);
  const changes = await readCounts(db).then(
    (after) => describeCounts(before, after),
    () => unknownChanges,
  );
  const ended = { name, milliseconds, output, changes };
  if (error === undefined) {
    await journal.append({ file: name, state: 'APPLIED', milliseconds });
    return ended;
  }
  const state = interrupted === undefined ? 'FAILED' : 'INTERRUPTED';
  if (error.code !== 'lock/lost') await journal.append({ file: name, state, milliseconds, error: error.code });
  return { ...ended, error };
}

const unknownChanges = 'the numbers of documents are not known';

function failed(command: CommandSettings, error: unknown): Ended {
  if (!(error instanceof GuardError)) throw error;
  return { name: journalName(command), milliseconds: 0, changes: unknownChanges, output: [], error };
}

interface Limits {
  readonly cancel: AbortSignal;
  readonly lost: AbortSignal;
  readonly total: AbortSignal | undefined;
  readonly own: AbortSignal | undefined;
}

/** Why we ended the command, if we did. */
function interruption(name: string, { cancel, lost, total, own }: Limits): GuardError | undefined {
  const reason = [lost, cancel].find(({ aborted }) => aborted)?.reason as GuardError | undefined;
  if (reason !== undefined) return reason;
  const limit = own?.aborted === true ? 'its own time limit (`timeout` of the command)' : 'the time limit of all (`timeout`)';
  if (own?.aborted !== true && total?.aborted !== true) return undefined;
  return new GuardError('run/timeout', `${name} did not end within ${limit} and was stopped with everything it had started.`);
}

function failureOf(name: string, ending: string): GuardError | undefined {
  if (ending === 'exit code 0') return undefined;
  return new GuardError('migration/command-failed', `${name} ended with ${ending}. How much of its work is in the data is not known.`);
}
