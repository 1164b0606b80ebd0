import type { Outcome } from '@migration-guard/shared/action/context';
import { GuardError, toError } from '@migration-guard/shared/errors/guard-error';
import { readHistory, recordApplied } from '@migration-guard/shared/migration/history/migrate-mongo';
import { openJournal, readJournal, type JournalEntry } from '@migration-guard/shared/migration/journal';
import { acquireLock, type Lock } from '@migration-guard/shared/migration/lock';
import { standing } from '@migration-guard/shared/migration/order';
import { makePlan, requireHash, requireRehearsal } from '@migration-guard/shared/migration/plan';
import type { Project } from '@migration-guard/shared/migration/project';
import { recover, type HalfDone } from '@migration-guard/shared/migration/recovery';
import { runUp } from '@migration-guard/shared/migration/run';
import { acquireStockLock } from '@migration-guard/shared/migration/stock-lock';
import { createPoint, type CreatedPoint } from '@migration-guard/shared/rollback/point';
import { latestBackup } from './backup-choice.ts';
import { concludeApply } from './conclude-apply.ts';
import type { MigrateContext, MigrateInputs } from './contract.ts';
import { decide, type Decision } from './decide.ts';
import { appNameOf, lockState } from './identity.ts';
import { lintFiles } from './lint.ts';
import { openTarget, type Target } from './target.ts';
import { loadFiles, openUserProject } from './user-project.ts';

/** Applies what is pending: everything is loaded first, then lock, checks, rollback point, and one file after the other. */
export async function apply(inputs: MigrateInputs, context: MigrateContext): Promise<Outcome> {
  const { stage, run, log, signal } = context;
  await using project = await openUserProject(inputs, context);
  await using target = await openTarget(inputs, context, project);
  const { pending } = standing(project.files, await readHistory(target.db, project.changelog));
  context.setOutput('applied', []);
  context.setOutput(
    'pending',
    pending.map(({ name }) => name),
  );
  context.setOutput('findings', 0);
  if (pending.length === 0) {
    stage.dataState(`Nothing was changed in ${target.database}.`);
    return { result: 'passed', reason: `No migration is pending in ${target.database}.` };
  }
  await loadFiles(project, pending, context);
  const lock = await acquireLock({
    db: target.db,
    owner: run.url,
    purpose: 'migrate apply',
    log,
    signal,
    waitMilliseconds: inputs.lockWait ?? 0,
  });
  context.saveState(lockState, JSON.stringify(lock.token));
  try {
    return await withStockLock(project, target, () => applyUnderLock({ inputs, context, project, target, lock }));
  } finally {
    await lock
      .release()
      .then(() => context.saveState(lockState, ''))
      .catch((error: unknown) => log.warning(`The lock could not be released, it expires by itself: ${toError(error).message}`));
  }
}

/** Keeps a stock migrate-mongo out while we run, where its lock is configured. */
async function withStockLock<T>({ config }: Project, { db }: Target, body: () => Promise<T>): Promise<T> {
  const { lockCollectionName: collection, lockTtl: ttl } = config;
  if (collection === undefined || (ttl !== undefined && ttl <= 0)) return body();
  const stockLock = await acquireStockLock({ db, collection, ttl });
  const timer = setInterval(() => void stockLock.refresh().catch(() => undefined), ((ttl ?? 60) * 1_000) / 3);
  try {
    return await body();
  } finally {
    clearInterval(timer);
    await stockLock.release();
  }
}

interface Work {
  readonly inputs: MigrateInputs;
  readonly context: MigrateContext;
  readonly project: Project;
  readonly target: Target;
  readonly lock: Lock;
}

/** Whatever was read before the lock may be stale: everything is read again under it. */
async function applyUnderLock(work: Work): Promise<Outcome> {
  const { inputs, context, project, target } = work;
  const journal = await readJournal(target.db);
  const decision = decide({ project, history: await readHistory(target.db, project.changelog), journal, inputs, now: context.now() });
  const loaded = await loadFiles(project, decision.selected, context);
  const mayRunAgain = (file: string): boolean => (inputs.retry ?? []).includes(file) || loaded.get(file)?.idempotent === true;
  const { finished, halfDone } = recover(
    decision.selected.map(({ name }) => name),
    journal,
    mayRunAgain,
  );
  if (halfDone[0] !== undefined) throw halfDoneError(halfDone[0], context);
  const files = decision.selected.filter(({ name }) => !finished.some((entry) => entry.file === name));
  const plan = makePlan({ database: target.database, history: decision.applied, files }, context.now());
  context.setOutput('plan-hash', plan.hash);
  if (inputs.planHash !== undefined) requireHash(plan, inputs.planHash);
  if (inputs.requireRehearsal) await requireRehearsal(plan, context.runFolder);
  const linted = await lintFiles({ project, files, context });
  context.setOutput('findings', linted.length);
  const faulty = linted.find(({ severity }) => severity === 'error');
  if (faulty !== undefined) {
    context.stage.dataState(`Nothing was changed in ${target.database}.`);
    return { result: 'failed', reason: `${faulty.rule}: ${faulty.message}` };
  }
  const point = await makePoint(work, decision);
  return run(work, { decision, files, finished, point, linted: linted.length });
}

async function makePoint({ inputs, context, project, target }: Work, { applied, selected }: Decision): Promise<CreatedPoint> {
  const { now, signal, runFolder, log, stage } = context;
  const backup = inputs.store === undefined ? undefined : await latestBackup(inputs.store, inputs, context);
  if (backup === undefined) {
    stage.finding({
      severity: 'warning',
      rule: 'migration/no-backup',
      message: 'The rollback point refers to no backup: set `store`, or a restore is not possible.',
    });
  }
  log.info(`Taking the rollback point of ${target.database} …`);
  const { client } = target.connection;
  const made = await createPoint({
    client,
    database: target.database,
    backup: backup === undefined ? undefined : { store: backup.location, id: backup.id },
    changelog: project.changelog,
    history: applied,
    planned: selected.map(({ name }) => name),
    ignore: project.config.lockCollectionName === undefined ? [] : [project.config.lockCollectionName],
    now,
    signal,
    runFolder,
  });
  context.setOutput('rollback-point', made.file);
  stage.figure('Rollback point', made.point.id);
  return made;
}

interface Ready {
  readonly decision: Decision;
  readonly files: Decision['selected'];
  readonly finished: readonly JournalEntry[];
  readonly point: CreatedPoint;
  /** Number of findings of the lint rules. */
  readonly linted: number;
}

async function run(work: Work, { decision, files, finished, point, linted }: Ready): Promise<Outcome> {
  const { context, project, target, lock, inputs } = work;
  const { now, log, signal } = context;
  const journal = openJournal({ db: target.db, lock, run: context.run.url, now, rollbackPoint: point.point.id });
  const applied: string[] = [];
  const tell = (name: string): void => {
    applied.push(name);
    context.setOutput('applied', applied);
    context.setOutput(
      'pending',
      decision.pending.map((file) => file.name).filter((pending) => !applied.includes(pending)),
    );
  };
  for (const entry of finished) {
    await recordFinished(work, entry);
    await journal.append({ file: entry.file, state: 'APPLIED', ...(entry.hash === undefined ? {} : { hash: entry.hash }) });
    log.notice(`${entry.file} had ended in ${entry.run} and was only not recorded; it is recorded now and was not run again.`);
    tell(entry.file);
  }
  const appName = appNameOf(lock.token);
  await project.connect({ uri: target.uri.reveal(), database: target.database, appName });
  const result = await runUp({
    db: target.db,
    project,
    files,
    journal,
    lock,
    appName,
    log,
    now,
    signal,
    timeout: inputs.timeout,
    onDone: ({ name }) => tell(name),
  });
  return concludeApply({ context, database: target.database, result, point, decision, recorded: finished.length, linted });
}

async function recordFinished({ project, target, lock }: Work, { file, hash, at }: JournalEntry): Promise<void> {
  await lock.confirm();
  const fileHash = project.config.useFileHash === true && hash !== undefined ? { fileHash: hash } : {};
  await recordApplied(target.db, project.changelog, { fileName: file, ...fileHash, appliedAt: at, migrationBlock: at.getTime() });
}

function halfDoneError({ file, known, unknown, entry }: HalfDone, { stage }: MigrateContext): GuardError {
  const point = entry.rollbackPoint === undefined ? 'the rollback point of that run' : `rollback point ${entry.rollbackPoint}`;
  const rollback = `Run action-rollback with ${point} (\`rollback-point: latest\` takes the newest)`;
  stage.dataState(`Nothing was changed by this run. Known: ${known}. Not known: ${unknown}.`);
  stage.nextStep(`${rollback}.`);
  return new GuardError('migration/half-done', `${file} is half-done. Known: ${known}. Not known: ${unknown}.`, {
    remedy: `${rollback}; or, if ${file} may run again from its beginning, set \`retry: ${file}\`.`,
  });
}
