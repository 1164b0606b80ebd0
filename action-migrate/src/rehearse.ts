import type { Outcome } from '@migration-guard/shared/action/context';
import { actionsCache } from '@migration-guard/shared/action/remote-cache';
import type { RehearsalSettings } from '@migration-guard/shared/config/rehearsal';
import { GuardError } from '@migration-guard/shared/errors/guard-error';
import { openJournal } from '@migration-guard/shared/migration/journal';
import type { KnownPrecheck } from '@migration-guard/shared/migration/prechecks/known';
import { makePlan, planDocument, planFile, type Plan } from '@migration-guard/shared/migration/plan';
import type { Project } from '@migration-guard/shared/migration/project';
import { seconds } from '@migration-guard/shared/migration/run';
import { connect, databaseName } from '@migration-guard/shared/mongo/connect';
import { Secret } from '@migration-guard/shared/redaction/secret';
import { judgeRefusals } from '@migration-guard/shared/rehearsal/judge-up';
import { openCopy, type Copy, type CopyPlace } from '@migration-guard/shared/rehearsal/copy';
import { fencePolicy, nameBeside, type FenceSettings } from '@migration-guard/shared/rehearsal/fence-policy';
import { claimMappedDatabases } from '@migration-guard/shared/rehearsal/mapped-databases';
import { rehearse as runRehearsal } from '@migration-guard/shared/rehearsal/rehearse';
import type { Rehearsal } from '@migration-guard/shared/rehearsal/room';
import type { Finding, Result } from '@migration-guard/shared/report/run-report';
import { latestBackup } from './backup-choice.ts';
import type { MigrateContext, MigrateInputs } from './contract.ts';
import { decide, type Decision } from './decide.ts';
import { foretell, openForesight } from './foresight.ts';
import { appNameOf } from './identity.ts';
import { lintFiles } from './lint.ts';
import { tellRehearsal } from './rehearsal-report.ts';
import { recordedFindings } from './recorded-findings.ts';
import { preparationOf, tellPreparation } from './preparation.ts';
import { refuseStrangers } from './target.ts';
import { loadFiles, openUserProject } from './user-project.ts';

/** Proves what is pending on a restored copy: up, down, equal?, up again. Nothing is written to the source. */
export async function rehearse(inputs: MigrateInputs, context: MigrateContext): Promise<Outcome> {
  const { stage, log, signal, env, run } = context;
  if (inputs.store === undefined) throw new GuardError('rehearsal/no-backup', 'No store of backups is given.');
  context.setOutput('applied', []);
  await using project = await openUserProject(inputs, context);
  const place = placeOf(inputs);
  if (place.kind !== 'ephemeral') await refuseStrangers(place.uri, inputs, context);
  const database = await databaseOf(inputs, project);
  const backup = await latestBackup(inputs.store, inputs, context);
  const startedAt = performance.now();
  await using copy = await openCopy({
    place,
    database,
    store: backup.store,
    backupId: backup.id,
    preparation: preparationOf(context.settings.rehearsal),
    owner: run.url,
    env,
    log,
    signal,
    remoteCache: place.kind === 'ephemeral' ? await actionsCache(log, env) : undefined,
  });
  stage.figure('Backup', backup.id);
  stage.figure('Restored in', seconds(performance.now() - startedAt));
  const db = copy.client.db(copy.database);
  const decision = decide({
    project,
    history: await project.history.read(db),
    journal: new Map(),
    inputs,
    settings: context.settings,
    now: context.now(),
  });
  context.setOutput(
    'pending',
    decision.pending.map(({ name }) => name),
  );
  const plan = makePlan({ database, history: decision.applied, files: decision.selected }, context.now());
  context.setOutput('plan-hash', plan.hash);
  const rehearsal = await perform({ inputs, context, project, copy, decision, database });
  const foretold = await foretell({ inputs, context, project, copy, files: rehearsal.files });
  const proven = [...decision.findings, ...versionFindings(copy), ...tellPreparation(copy, context), ...rehearsal.findings, ...foretold];
  const findings = [...proven, ...rehearsal.linted];
  const result = resultOf(findings);
  const told: Plan['rehearsal'] = {
    result,
    on: place.kind,
    backup: backup.id,
    findings: findings.length,
    touched: touchedBy(rehearsal.files),
    takenAt: copy.manifest.finishedAt,
    prechecks: [...rehearsal.prechecks],
  };
  await planDocument.write(planFile(context.runFolder), { ...plan, rehearsal: told });
  tellRehearsal(context, rehearsal, proven);
  context.setOutput('findings', findings.length);
  stage.dataState(`Nothing was changed in ${database}: the rehearsal ran on a copy, which is removed.`);
  return outcomeOf(result, { findings, count: decision.selected.length, database });
}

function touchedBy(files: Rehearsal['files']): string[] {
  const names = files.flatMap(({ effects }) => effects.flatMap(({ collection, renamedFrom }) => [collection, renamedFrom ?? collection]));
  return [...new Set(names)].sort();
}

interface Linted {
  readonly linted: readonly Finding[];
  readonly prechecks: readonly KnownPrecheck[];
}

/** The rule about `down`, which the rehearsal runs and compares. */
const provenHere = 'MS602';

interface Performance {
  readonly inputs: MigrateInputs;
  readonly context: MigrateContext;
  readonly project: Project;
  readonly copy: Copy;
  readonly decision: Decision;
  /** Name of the database that the copy stands for. */
  readonly database: string;
}

/** Runs the files, also when a lint rule has failed them: the copy shows what they would do. */
async function perform({ inputs, context, project, copy, decision, database }: Performance): Promise<Rehearsal & Linted> {
  const { log, now, signal, run, settings } = context;
  if (decision.selected.length === 0)
    return { files: [], findings: [], reading: { collections: 0, milliseconds: 0 }, linted: [], prechecks: [] };
  const appName = appNameOf(copy.lock.token);
  const beside = settings.rehearsal['map-databases'].map((name) => nameBeside(name, { copy, database }));
  await using _databases = await claimMappedDatabases(copy.client, beside);
  const policy = await fencePolicy({ copy, database, appName, settings: fenceSettings(settings.rehearsal) });
  await project.worker.ask('watch', { policy, folder: project.folder });
  const loaded = await loadBehindFence(project, decision.selected, context);
  const linted = await lintFiles({ project, files: decision.selected, context, without: [provenHere] });
  await project.connect({ uri: copy.uri.reveal(), database: copy.database, appName });
  const db = copy.client.db(copy.database);
  const limits = { maxPercent: settings.rehearsal['max-loss-percent'], expectedPercent: settings.rehearsal['expected-loss-percent'] };
  const foresight = openForesight(copy, context);
  const rehearsal = await runRehearsal({
    db,
    project,
    files: decision.selected,
    loaded,
    journal: openJournal({ db, lock: copy.lock, run: run.url, now }),
    lock: copy.lock,
    appName,
    limits,
    log,
    now,
    signal,
    timeout: inputs.timeout,
    transaction: inputs.transaction,
    reveal: settings.rehearsal['show-ids'],
    halfDoneUnder: settings.rehearsal['half-done'] ? halfDoneUnder : 0,
    inspect: foresight.inspect,
  });
  const recorded = await recordedFindings({ project, rehearsal, linted, context });
  return {
    ...rehearsal,
    findings: [...rehearsal.findings, ...foresight.findings(), ...recorded],
    linted,
    prechecks: foresight.prechecks(),
  };
}

/** Files that take longer are not run three more times, milliseconds. */
const halfDoneUnder = 10_000;

function fenceSettings(settings: RehearsalSettings): FenceSettings {
  return {
    mapHosts: settings['map-hosts'],
    mapDatabases: settings['map-databases'],
    allowHosts: settings['allow-hosts'],
    allowPrograms: settings['allow-programs'],
  };
}

/** A file may try to reach something as soon as it is loaded: that is told beside the fault. */
async function loadBehindFence(project: Project, files: Decision['selected'], context: MigrateContext): ReturnType<typeof loadFiles> {
  try {
    return await loadFiles(project, files, context);
  } catch (error) {
    for (const finding of judgeRefusals(project.worker.takeRefusals(), project.workspace)) context.stage.finding(finding);
    throw error;
  }
}

function placeOf({ rehearseOn, uri }: MigrateInputs): CopyPlace {
  if (rehearseOn === undefined || rehearseOn === 'ephemeral') return { kind: 'ephemeral' };
  if (rehearseOn !== 'same-server') return { kind: 'uri', uri: new Secret(rehearseOn) };
  if (uri === undefined) throw new GuardError('input/invalid', 'uri is required for rehearse-on: same-server.');
  return { kind: 'same-server', uri };
}

/** The input, else the database that the connection string or migrate-mongo's configuration names. */
async function databaseOf({ database, uri }: MigrateInputs, { config }: Project): Promise<string> {
  if (database !== undefined) return database;
  if (uri === undefined) return databaseName(config.databaseName, { defaultDatabase: undefined });
  await using connection = await connect(uri);
  return databaseName(connection.defaultDatabase ?? config.databaseName, connection);
}

/** A copy on another major version than the source can behave in another way. */
function versionFindings({ manifest, serverVersion }: Copy): readonly Finding[] {
  const major = (version: string): string => version.split('.')[0] ?? '';
  if (major(manifest.server.version) === major(serverVersion)) return [];
  const message = `The source runs MongoDB ${manifest.server.version}, the rehearsal ran on ${serverVersion}.`;
  return [{ severity: 'note', rule: 'rehearsal/other-version', message }];
}

function resultOf(findings: readonly Finding[]): Result {
  if (findings.some(({ severity }) => severity === 'error')) return 'failed';
  return findings.some(({ severity }) => severity === 'warning') ? 'warned' : 'passed';
}

function outcomeOf(
  result: Result,
  { findings, count, database }: { readonly findings: readonly Finding[]; readonly count: number; readonly database: string },
): Outcome {
  if (count === 0) return { result, reason: `No migration is pending in ${database}.` };
  const worst = findings.find(({ severity }) => severity === 'error') ?? findings.find(({ severity }) => severity === 'warning');
  const proven = `${count} migrations were proven on a copy of ${database}.`;
  return { result, reason: worst === undefined ? proven : worst.message };
}
