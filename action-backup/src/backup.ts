import type { Outcome } from '@migration-guard/shared/action/context';
import type { BackupContext, BackupInputs } from './contract.ts';
import { create } from './create.ts';
import { list } from './list.ts';
import { prune } from './prune.ts';
import { restore } from './restore.ts';
import { verify } from './verify.ts';

/** The story of the action: one file a mode. */
export async function backup(inputs: BackupInputs, context: BackupContext): Promise<Outcome> {
  const modes = { create, verify, restore, list, prune } as const;
  return modes[inputs.mode](inputs, context);
}
