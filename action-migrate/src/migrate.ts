import type { Outcome } from '@migration-guard/shared/action/context';
import { apply } from './apply.ts';
import type { MigrateContext, MigrateInputs } from './contract.ts';
import { forEachDatabase } from './databases/each.ts';
import { importHistory } from './import-history.ts';
import { markApplied } from './mark-applied.ts';
import { plan } from './plan.ts';
import { rehearse } from './rehearse.ts';
import { status } from './status.ts';

/** The story of the action: one file a mode. */
export async function migrate(inputs: MigrateInputs, context: MigrateContext): Promise<Outcome> {
  const modes = { apply, plan, rehearse, status, 'mark-applied': markApplied, 'import-history': importHistory } as const;
  const mode = modes[inputs.mode];
  return inputs.databases === undefined ? mode(inputs, context) : forEachDatabase({ mode, plan }, inputs, context);
}
