import type { Outcome } from '@migration-guard/shared/action/context';
import { createHeld, heldIn } from '@migration-guard/shared/backup/engines/held';
import type { HoldingEngine } from '@migration-guard/shared/backup/engines/holding-engine';
import { listBackups } from '@migration-guard/shared/backup/list';
import { readOverview, type Manifest } from '@migration-guard/shared/backup/manifest';
import type { BackupStore } from '@migration-guard/shared/backup/store';
import { GuardError } from '@migration-guard/shared/errors/guard-error';
import type { BackupContext, BackupInputs } from './contract.ts';
import { keeperOf } from './engines.ts';
import { storeOf } from './place.ts';
import { presentBackup } from './present.ts';
import { freshness } from './verify.ts';

/** Modes of backups that another tool takes, keeps and restores; the store holds their manifests. */
export const held = { create, verify, restore } as const;

async function create(inputs: BackupInputs, context: BackupContext): Promise<Outcome> {
  const { log, signal, now } = context;
  const store = await storeOf(inputs, context);
  const engine = await keeperOf(inputs, context);
  context.stage.dataState('The database was only read.');
  present(context, store, await createHeld({ engine, store, environment: inputs.environment, log, signal, now }));
  return { result: 'passed' };
}

/** The tool is asked whether it still has the backup, whole; its bytes cannot be read from here. */
async function verify(inputs: BackupInputs, context: BackupContext): Promise<Outcome> {
  const { store, engine, manifest } = await find(inputs, context);
  present(context, store, manifest);
  await engine.check(heldIn(manifest, engine));
  return freshness(inputs.maxAge, manifest, context.now());
}

async function restore(inputs: BackupInputs, context: BackupContext): Promise<Outcome> {
  const { stage } = context;
  const { store, engine, manifest } = await find(inputs, context);
  present(context, store, manifest);
  stage.dataState(`${engine.name} was told to put the whole cluster back to ${manifest.id}; it says how far it came.`);
  stage.nextStep(`Look in ${engine.name} how the restore of ${manifest.held?.id ?? ''} ended, and run it again if it failed.`);
  await engine.restore(heldIn(manifest, engine));
  stage.dataState(`${engine.name} has put the whole cluster back to ${manifest.id}, by its own word: compare it by action-verify.`);
  stage.nextStep('Check the data with action-verify: this engine gives no digests.');
  return { result: 'passed' };
}

interface Found {
  readonly store: BackupStore;
  readonly engine: HoldingEngine;
  readonly manifest: Manifest;
}

/** The backup that is named, or the newest that the engine keeps. Throws `backup/not-found`. */
async function find(inputs: BackupInputs, context: BackupContext): Promise<Found> {
  const store = await storeOf(inputs, context);
  const engine = await keeperOf(inputs, context);
  if (inputs.backupId !== 'latest') return { store, engine, manifest: await readOverview(store, inputs.backupId) };
  const kept = (await listBackups(store)).flatMap((backup) => (backup.status === 'committed' ? [backup.manifest] : []));
  const manifest = kept.findLast((one) => one.held?.engine === engine.kind);
  if (manifest === undefined)
    throw new GuardError('backup/not-found', `There is no backup that ${engine.name} keeps in ${store.location}.`);
  return { store, engine, manifest };
}

function present(context: BackupContext, store: BackupStore, manifest: Manifest): void {
  presentBackup(context, store, manifest);
  context.setOutput('proof', 'none');
  if (manifest.held === undefined) return;
  const { engine, id, place, at } = manifest.held;
  context.stage.figure('kept by', engine);
  context.stage.figure('kept as', id);
  context.stage.figure('shows', at);
  context.stage.finding({
    severity: 'note',
    rule: 'backup/held-elsewhere',
    message: `${manifest.id} is ${id} in ${place}: no digests are known, and nothing was read back.`,
  });
}
