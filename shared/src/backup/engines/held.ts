import { GuardError } from '../../errors/guard-error.ts';
import type { Log } from '../../log/log.ts';
import { emptyDigest } from '../../mongo/digest.ts';
import { newBackupId } from '../create.ts';
import { tool } from '../manifest-of.ts';
import { writeManifest, type Manifest } from '../manifest.ts';
import type { BackupStore } from '../store.ts';
import type { HeldBackup, HoldingEngine } from './holding-engine.ts';

export interface HoldOptions {
  readonly engine: HoldingEngine;
  readonly store: BackupStore;
  readonly environment: string | undefined;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly now: () => Date;
}

/**
 * Takes a backup by an engine that keeps it, and commits a manifest that says where it is. Nothing is in the store when this throws. Throws
 * `engine/*`, `backup/incomplete`, `backup/store-failed`, `store/*`, and the reason of the signal.
 */
export async function createHeld({ engine, store, environment, log, signal, now }: HoldOptions): Promise<Manifest> {
  const startedAt = now();
  const id = newBackupId(startedAt);
  const held = await engine.create(id);
  log.info(`${engine.name} keeps ${held.id}, which shows the time ${held.at}`);
  signal.throwIfAborted();
  const manifest = manifestOf(held, engine, { id, startedAt, finishedAt: now(), environment });
  await writeManifest(store, manifest).catch((error: unknown) => {
    log.warning(`${engine.name} keeps ${held.id}, but the store could not be told: remove it there, or it stays until it expires.`);
    throw error;
  });
  return manifest;
}

interface Stamp {
  readonly id: string;
  readonly startedAt: Date;
  readonly finishedAt: Date;
  readonly environment: string | undefined;
}

function manifestOf(held: HeldBackup, engine: HoldingEngine, { id, startedAt, finishedAt, environment }: Stamp): Manifest {
  return {
    version: 1,
    id,
    startedAt: startedAt.toISOString(),
    finishedAt: finishedAt.toISOString(),
    tool: { ...tool, engine: { name: engine.name, version: engine.version } },
    server: { version: held.serverVersion, topology: held.topology },
    ...(environment === undefined ? {} : { environment }),
    consistency: { kind: 'snapshot' },
    compression: 'none',
    selection: { databases: [], include: [], exclude: [] },
    collections: [],
    digest: emptyDigest,
    storedBytes: held.bytes,
    held: { engine: engine.kind, id: held.id, place: held.place, at: held.at },
  };
}

/** What an engine is asked for by a manifest. Throws `input/invalid` when another engine keeps the backup. */
export function heldIn({ id, held, server }: Manifest, engine: HoldingEngine): Pick<HeldBackup, 'id' | 'topology'> {
  if (held?.engine !== engine.kind)
    throw new GuardError(
      'input/invalid',
      `The backup ${id} is ${held === undefined ? 'in the store itself' : `kept by ${held.engine}`}, not by ${engine.kind}.`,
    );
  return { id: held.id, topology: server.topology === 'sharded' ? 'sharded' : 'replica-set' };
}
