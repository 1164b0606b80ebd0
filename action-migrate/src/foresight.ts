import { GuardError } from '@migration-guard/shared/errors/guard-error';
import { derivePrechecks } from '@migration-guard/shared/migration/prechecks/derive';
import { findingsOnCopy, type KnownPrecheck } from '@migration-guard/shared/migration/prechecks/known';
import { runPrechecks } from '@migration-guard/shared/migration/prechecks/run';
import type { Project } from '@migration-guard/shared/migration/project';
import { connect, databaseName } from '@migration-guard/shared/mongo/connect';
import type { Copy } from '@migration-guard/shared/rehearsal/copy';
import {
  forecast,
  judgeBudget,
  percentText,
  rangeText,
  type Forecast,
  type TargetMeasures,
} from '@migration-guard/shared/rehearsal/forecast/forecast';
import { measureTarget, sizesOf } from '@migration-guard/shared/rehearsal/forecast/measure-target';
import type { RehearsalOptions, RehearsedFile } from '@migration-guard/shared/rehearsal/room';
import type { Finding } from '@migration-guard/shared/report/run-report';
import { formatBytes } from '@migration-guard/shared/log/format-bytes';
import type { MigrateContext, MigrateInputs } from './contract.ts';

/** Time for one question to the data, milliseconds. */
export const precheckTime = 60_000;

export interface Foresight {
  readonly inspect: NonNullable<RehearsalOptions['inspect']>;
  /** The questions that `apply` asks the target once more. */
  readonly prechecks: () => readonly KnownPrecheck[];
  /** What they found on the copy of a migration that failed. */
  readonly findings: () => readonly Finding[];
}

/** Puts the questions that a migration raises to the copy, as it was before the migration, or as the failed one left it. */
export function openForesight({ client, database }: Copy, { now, signal }: MigrateContext): Foresight {
  const db = client.db(database);
  const known: KnownPrecheck[] = [];
  const findings: Finding[] = [];
  return {
    async inspect({ steps, state }) {
      const checks = steps.flatMap(({ file, observation }) => derivePrechecks(file.name, database, observation));
      if (state === 'not as before') {
        known.push(...checks.map((check) => ({ check })));
        return;
      }
      const answers = await runPrechecks({ db, checks, now: now(), signal, timeout: precheckTime });
      if (state === 'failed') findings.push(...findingsOnCopy(answers));
      else known.push(...answers.map(({ check, found }) => ({ check, ...(found === undefined ? {} : { foundOnCopy: found }) })));
    },
    prechecks: () => known,
    findings: () => findings,
  };
}

interface Rehearsed {
  readonly inputs: MigrateInputs;
  readonly context: MigrateContext;
  readonly project: Project;
  readonly copy: Copy;
  readonly files: readonly RehearsedFile[];
}

/** Says what the files will take on the target, and holds it against the budget. The target is asked where `uri` is given; it is only read. */
export async function foretell({ inputs, context, project, copy, files }: Rehearsed): Promise<readonly Finding[]> {
  const ran = files.flatMap(({ first }) => (first?.done === undefined ? [] : [first]));
  if (ran.length === 0) return [];
  const db = copy.client.db(copy.database);
  const work = ran.map(({ file, milliseconds, observation }) => ({
    name: file.name,
    milliseconds,
    collections: [...new Set(observation.statements.map(({ collection }) => collection).filter((name) => name !== ''))],
    commands: observation.statements.reduce((sum, { commands }) => sum + commands, 0),
    documents: observation.statements.reduce((sum, { inserted, modified, deleted }) => sum + inserted + modified + deleted, 0),
  }));
  const made = forecast({
    files: work,
    copy: await sizesOf(db, [...new Set(work.flatMap(({ collections }) => collections))]),
    target: await targetMeasures(inputs, context, project),
    oplogBytes: oplogBytesOf(ran),
  });
  tellForecast(made, context);
  const { time, documents, 'oplog-percent': oplogPercent } = context.settings.rehearsal.budget;
  return judgeBudget(made, { time, documents, oplogPercent });
}

/** `undefined` when the server of the copy does not tell for each of them. */
function oplogBytesOf(ran: readonly NonNullable<RehearsedFile['first']>[]): number | undefined {
  let total = 0;
  for (const { changes } of ran) {
    if (changes === undefined) return undefined;
    for (const bytes of changes.oplogBytes.values()) total += bytes;
  }
  return total;
}

async function targetMeasures(
  { uri, database }: MigrateInputs,
  { log }: MigrateContext,
  { config }: Project,
): Promise<TargetMeasures | undefined> {
  if (uri === undefined) return undefined;
  try {
    await using connection = await connect(uri);
    const name = databaseName(database ?? connection.defaultDatabase ?? config.databaseName, connection);
    return await measureTarget(connection.client.db(name), log);
  } catch (error) {
    if (!(error instanceof GuardError)) throw error;
    log.notice(`The forecast does without the target: ${error.message}`);
    return undefined;
  }
}

function tellForecast({ files, total, documents, oplogBytes, oplogShare, lagRisk }: Forecast, { stage }: MigrateContext): void {
  stage.figure('Expected time on the target', rangeText(total));
  stage.figure('Expected documents written', documents.toLocaleString('en'));
  if (oplogBytes !== undefined) {
    const share = oplogShare === undefined ? '' : `, ${percentText(oplogShare)} of its window`;
    stage.figure('Expected oplog', `${formatBytes(oplogBytes)}${share}`);
  }
  if (lagRisk !== undefined) stage.figure('Risk of replication lag', lagRisk);
  if (files.length > 1)
    stage.table({
      title: 'Expected time on the target',
      columns: ['File', 'Time'],
      rows: files.map((file) => [file.name, rangeText(file)]),
    });
}
