import type { Outcome } from '@migration-guard/shared/action/context';
import type { BackupContext, BackupInputs } from './contract.ts';
import { isKeeper } from './engine-inputs.ts';
import { create } from './create.ts';
import { held } from './held.ts';
import { list } from './list.ts';
import { prune } from './prune.ts';
import { restore } from './restore.ts';
import { restoreStock, stockDumpOf, verifyStock } from './stock.ts';
import { verify } from './verify.ts';

/** The story of the action: one file a mode. */
export async function backup(inputs: BackupInputs, context: BackupContext): Promise<Outcome> {
  const dump = inputs.mode === 'restore' || inputs.mode === 'verify' ? await stockDumpOf(inputs, context) : undefined;
  if (dump !== undefined) return inputs.mode === 'restore' ? restoreStock(dump, inputs, context) : verifyStock(dump, inputs, context);
  if (isKeeper(inputs.engine) && inputs.mode !== 'list' && inputs.mode !== 'prune') return held[inputs.mode](inputs, context);
  const modes = { create, verify, restore, list, prune } as const;
  return modes[inputs.mode](inputs, context);
}
