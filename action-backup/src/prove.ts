import type { Manifest } from '@migration-guard/shared/backup/manifest';
import { recordProof, type ProofKind } from '@migration-guard/shared/backup/proof';
import { proveByRestore } from '@migration-guard/shared/backup/prove-by-restore';
import type { BackupStore } from '@migration-guard/shared/backup/store';
import { verifyBackup } from '@migration-guard/shared/backup/verify';
import type { BackupContext } from './contract.ts';

export interface Proving {
  readonly store: BackupStore;
  readonly manifest: Manifest;
  readonly context: BackupContext;
}

/** Proves a backup, records the proof beside it, and says so in the output `proof`. Throws when it is not what it claims. */
export async function prove(kind: ProofKind | 'none', { store, manifest, context }: Proving): Promise<void> {
  const { env, log, signal, now, stage } = context;
  context.setOutput('proof', 'none');
  if (kind === 'none') return;
  const { id, digest } = manifest;
  await verifyBackup({ store, backupId: id, log, signal });
  if (kind === 'restore') await proveByRestore({ store, backupId: id, env, log, signal });
  await recordProof(store, id, { kind, at: now(), digest });
  context.setOutput('proof', kind);
  stage.figure('proof', kind === 'read' ? 'every byte read back and counted' : 'restored into a throw-away server and counted there');
}
