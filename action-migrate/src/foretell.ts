import type { Db } from 'mongodb';
import { GuardError } from '@migration-guard/shared/errors/guard-error';
import { formatBytes } from '@migration-guard/shared/log/format-bytes';
import { findingsAhead, type KnownPrecheck } from '@migration-guard/shared/migration/prechecks/known';
import { isAboutTarget } from '@migration-guard/shared/migration/prechecks/precheck';
import { runPrechecks } from '@migration-guard/shared/migration/prechecks/run';
import { readSizes } from '@migration-guard/shared/mongo/collection-sizes';
import { connect } from '@migration-guard/shared/mongo/connect';
import type { Copy } from '@migration-guard/shared/rehearsal/copy';
import {
  forecast,
  judgeBudget,
  percentText,
  rangeText,
  type Forecast,
  type RehearsedWork,
  type TargetMeasures,
} from '@migration-guard/shared/rehearsal/forecast/forecast';
import { measureTarget } from '@migration-guard/shared/rehearsal/forecast/measure-target';
import { collectionsOf, oplogBytesOf, sizesBefore } from '@migration-guard/shared/rehearsal/forecast/needs';
import type { RehearsedFile } from '@migration-guard/shared/rehearsal/room';
import type { Stepped } from '@migration-guard/shared/rehearsal/stepping';
import type { Finding } from '@migration-guard/shared/report/run-report';
import type { MigrateContext, MigrateInputs } from './contract.ts';
import { precheckTime } from './foresight.ts';
import { refuseStrangers } from './target.ts';

interface Rehearsed {
  readonly inputs: MigrateInputs;
  readonly context: MigrateContext;
  readonly copy: Copy;
  /** Name of the database that the copy stands for. */
  readonly database: string;
  readonly files: readonly RehearsedFile[];
  readonly prechecks: readonly KnownPrecheck[];
}

/**
 * Says what the files will take on the target, and holds it against the budget and the room that its server has. The target is asked where
 * `uri` is given; it is only read.
 */
export async function foretell(rehearsed: Rehearsed): Promise<readonly Finding[]> {
  const { context, copy, files } = rehearsed;
  const ran = files.filter(({ first }) => first?.done !== undefined);
  if (ran.length === 0) return [];
  const work = ran.flatMap(({ first }) => (first === undefined ? [] : [workOf(first)]));
  const names = collectionsOf(ran);
  const { target, findings } = await askAhead(rehearsed, names);
  const before = sizesBefore(ran, await readSizes(copy.client.db(copy.database), names));
  const made = forecast({ files: work, copy: before, target, oplogBytes: oplogBytesOf(ran) });
  tellForecast(made, context);
  const { time, documents, 'oplog-percent': oplogPercent } = context.settings.rehearsal.budget;
  return [...findings, ...judgeBudget(made, { time, documents, oplogPercent })];
}

function workOf({ file, milliseconds, observation: { statements } }: Stepped): RehearsedWork {
  return {
    name: file.name,
    milliseconds,
    collections: [...new Set(statements.map(({ collection }) => collection).filter((name) => name !== ''))],
    commands: statements.reduce((sum, { commands }) => sum + commands, 0),
    documents: statements.reduce((sum, { inserted, modified, deleted }) => sum + inserted + modified + deleted, 0),
  };
}

interface Asked {
  readonly target: TargetMeasures | undefined;
  readonly findings: readonly Finding[];
}

/** What the target tells of itself weeks or minutes before the migration is applied; nothing where it cannot be asked, which is said. */
async function askAhead({ inputs, context, database, prechecks }: Rehearsed, names: readonly string[]): Promise<Asked> {
  const { uri } = inputs;
  const { log } = context;
  if (uri === undefined) return { target: undefined, findings: [] };
  try {
    await refuseStrangers(uri, inputs, context);
    await using connection = await connect(uri);
    const db = connection.client.db(database);
    return { target: await measureTarget(db, names, log), findings: await askTargetAhead(db, prechecks, context) };
  } catch (error) {
    if (!(error instanceof GuardError)) throw error;
    log.notice(`The forecast does without the target: ${error.message}`);
    return { target: undefined, findings: [] };
  }
}

async function askTargetAhead(db: Db, prechecks: readonly KnownPrecheck[], { now, signal }: MigrateContext): Promise<readonly Finding[]> {
  const checks = prechecks.map(({ check }) => check).filter(isAboutTarget);
  return findingsAhead(await runPrechecks({ db, checks, now: now(), signal, timeout: precheckTime }));
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
