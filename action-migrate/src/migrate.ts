import type { Outcome } from '@migration-guard/shared/action/context';
import type { MigrateContext, MigrateInputs } from './contract.ts';

/** Each mode brings only what it needs: a rehearsal alone has a server, a restore and a proof. */
const modes = {
  apply: async () => (await import('./apply.ts')).apply,
  plan: async () => (await import('./plan.ts')).plan,
  rehearse: async () => (await import('./rehearse.ts')).rehearse,
  status: async () => (await import('./status.ts')).status,
  'mark-applied': async () => (await import('./mark-applied.ts')).markApplied,
  'import-history': async () => (await import('./import-history.ts')).importHistory,
} as const;

/** The story of the action: one file a mode. */
export async function migrate(inputs: MigrateInputs, context: MigrateContext): Promise<Outcome> {
  const mode = await modes[inputs.mode]();
  if (inputs.databases === undefined) return mode(inputs, context);
  const { forEachDatabase } = await import('./databases/each.ts');
  return forEachDatabase({ mode, plan: await modes.plan() }, inputs, context);
}
