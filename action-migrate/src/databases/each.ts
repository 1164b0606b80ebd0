import { createHash } from 'node:crypto';
import type { Outcome } from '@migration-guard/shared/action/context';
import { GuardError } from '@migration-guard/shared/errors/guard-error';
import { connect } from '@migration-guard/shared/mongo/connect';
import type { MigrateContext, MigrateInputs } from '../contract.ts';
import { refuseStrangers } from '../target.ts';
import { contextFor, type PartOutputs } from './part.ts';
import { selectDatabases } from './select.ts';

type Mode = (inputs: MigrateInputs, context: MigrateContext) => Promise<Outcome>;

/** The mode that runs, and the one that only plans. */
interface Modes {
  readonly mode: Mode;
  readonly plan: Mode;
}

interface Planning {
  readonly databases: readonly string[];
  readonly inputs: MigrateInputs;
  readonly context: MigrateContext;
}

/** How it went for one database; `not begun` after so many failures that the run stopped. */
interface Ended extends PartOutputs {
  readonly database: string;
  readonly result: Outcome['result'] | 'not begun';
  readonly reason?: string;
}

/**
 * Runs a mode for several databases, one after the other, each with its own lock, journal, history and rollback point. After
 * `stop-after` failed ones no further is begun. With `plan-hash` all of them are planned first, and none is begun unless all are as approved.
 */
export async function forEachDatabase({ mode, plan }: Modes, inputs: MigrateInputs, context: MigrateContext): Promise<Outcome> {
  const databases = await databasesOf(inputs, context);
  const hashes = inputs.planHash === undefined ? new Map<string, string>() : await approved(plan, { databases, inputs, context });
  const ended: Ended[] = [];
  for (const database of databases) {
    const failures = ended.filter(({ result }) => result === 'failed').length;
    const stopped = inputs.stopAfter > 0 && failures >= inputs.stopAfter;
    if (stopped) ended.push({ database, result: 'not begun', applied: [], pending: [], findings: 0 });
    else ended.push(await one(mode, inputsFor(database, inputs, hashes.get(database)), context));
    tellOutputs(ended, context);
    context.signal.throwIfAborted();
  }
  return conclude(ended, context);
}

async function databasesOf(inputs: MigrateInputs, context: MigrateContext): Promise<readonly string[]> {
  const { uri } = inputs;
  if (uri === undefined) throw new GuardError('input/invalid', 'uri is required.');
  await refuseStrangers(uri, inputs, context);
  await using connection = await connect(uri);
  const { databases: existing } = await connection.client.db('admin').admin().listDatabases({ nameOnly: true, authorizedDatabases: true });
  return selectDatabases(
    inputs.databases ?? [],
    existing.map(({ name }) => name),
  );
}

function inputsFor(database: string, inputs: MigrateInputs, hash?: string): MigrateInputs {
  return { ...inputs, database, ...(hash === undefined ? {} : { planHash: hash }) };
}

/** The hash of each plan, if all together they are the approved one. Throws `plan/changed`. */
async function approved(plan: Mode, { databases, inputs, context }: Planning): Promise<ReadonlyMap<string, string>> {
  const planned: Ended[] = [];
  for (const database of databases) planned.push(await one(plan, inputsFor(database, inputs), context));
  const hash = combinedHash(planned);
  if (hash !== inputs.planHash) {
    throw new GuardError(
      'plan/changed',
      `The plans of ${databases.length} databases together are ${hash}, not the approved ${inputs.planHash}.`,
    );
  }
  return new Map(planned.flatMap(({ database, planHash }): [string, string][] => (planHash === undefined ? [] : [[database, planHash]])));
}

async function one(mode: Mode, inputs: MigrateInputs, context: MigrateContext): Promise<Ended> {
  const database = inputs.database ?? '';
  const { log } = context;
  log.info(`── ${database}`);
  const part = await contextFor(database, context);
  try {
    const { result, reason } = await mode(inputs, part.context);
    return { database, ...part.outputs, result, ...(reason === undefined ? {} : { reason }) };
  } catch (error) {
    if (!(error instanceof GuardError)) throw error;
    log.error(`${database}: ${error.code}: ${error.message}`, error.place);
    context.stage.finding({ severity: 'error', rule: error.code, message: `${database}: ${error.message} ${error.remedy}` });
    return { database, ...part.outputs, result: 'failed', reason: `${error.code}: ${error.message}` };
  }
}

function combinedHash(ended: readonly Ended[]): string {
  const hashes = ended.map(({ database, planHash }) => [database, planHash ?? '']);
  return createHash('sha256').update(JSON.stringify(hashes)).digest('hex');
}

function tellOutputs(ended: readonly Ended[], context: MigrateContext): void {
  const named = (key: 'applied' | 'pending'): readonly string[] =>
    ended.flatMap((part) => part[key].map((file) => `${part.database}/${file}`));
  context.setOutput('applied', named('applied'));
  context.setOutput('pending', named('pending'));
  context.setOutput(
    'findings',
    ended.reduce((sum, { findings }) => sum + findings, 0),
  );
  context.setOutput(
    'databases',
    ended.map(({ database, result, applied, pending, rollbackPoint }) => ({ database, result, applied, pending, rollbackPoint })),
  );
  if (ended.some(({ planHash }) => planHash !== undefined)) context.setOutput('plan-hash', combinedHash(ended));
  const sarif = ended.find((part) => part.sarif !== undefined)?.sarif;
  if (sarif !== undefined) context.setOutput('sarif', sarif);
}

function conclude(ended: readonly Ended[], { stage }: MigrateContext): Outcome {
  stage.table({
    title: 'Databases',
    columns: ['Database', 'Result', 'Applied', 'Pending', 'Why'],
    rows: ended.map(({ database, result, applied, pending, reason }) => [
      database,
      result,
      String(applied.length),
      result === 'not begun' ? '?' : String(pending.length),
      reason ?? '',
    ]),
  });
  const count = (wanted: Ended['result']): number => ended.filter(({ result }) => result === wanted).length;
  const good = ['passed', 'warned', 'inconclusive'] as const;
  const counts = [...good, 'failed' as const, 'not begun' as const]
    .filter((kind) => count(kind) > 0)
    .map((kind) => `${count(kind)} ${kind}`);
  stage.dataState(ended.map(({ database, dataState }) => dataState ?? `${database}: not begun, nothing was changed.`).join(' '));
  const failed = ended.find(({ result }) => result === 'failed');
  const reason = `${ended.length} databases: ${counts.join(', ')}${failed === undefined ? '' : `. ${failed.database}: ${failed.reason ?? ''}`}`;
  if (failed !== undefined) {
    stage.nextStep(
      `Correct ${failed.database} (or roll it back: action-rollback with \`database: ${failed.database}\` and \`rollback-point: latest\`), then run this step again: databases that are done have nothing pending.`,
    );
    return { result: 'failed', reason };
  }
  return { result: good.findLast((kind) => count(kind) > 0) ?? 'passed', reason };
}
