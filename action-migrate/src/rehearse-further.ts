import { runCommands, type RunCommandsOptions } from '@migration-guard/shared/migration/commands/run-commands';
import { describeEffects, type Effects } from '@migration-guard/shared/migration/effects';
import { runSeeds } from '@migration-guard/shared/migration/run';
import type { RunOptions } from '@migration-guard/shared/migration/run-contract';
import type { Finding } from '@migration-guard/shared/report/run-report';
import type { FurtherSteps } from './further-steps.ts';

export interface RehearseFurther {
  readonly further: FurtherSteps;
  /** How seeds run on the copy. */
  readonly seeds: Omit<RunOptions, 'files'>;
  /** How commands run on the copy. */
  readonly commands: Omit<RunCommandsOptions, 'commands'>;
}

export interface FurtherRehearsal {
  readonly findings: readonly Finding[];
  /** Collections that seeds wrote to. */
  readonly touched: readonly string[];
}

/**
 * Runs on the copy what comes behind the files: the commands that say that they may be rehearsed, and each seed twice, for it is repeatable.
 * Throws what ends the rehearsal itself: a cancel, the time limit, a lost lock.
 */
export async function rehearseFurther({ further, seeds, commands }: RehearseFurther): Promise<FurtherRehearsal> {
  const found = await rehearseCommands(further, commands);
  if (found.some(({ severity }) => severity === 'error') || further.seeds.length === 0) return { findings: found, touched: [] };
  const first = await rehearseSeeds(further, seeds);
  if ('severity' in first) return { findings: [...found, first], touched: [] };
  const second = await rehearseSeeds(further, seeds);
  const repeated = 'severity' in second ? [{ ...second, message: `When it ran again: ${second.message}` }] : judgeRepeat(second);
  const touched = first.flatMap(({ effects }) => Object.keys(effects.collections));
  return { findings: [...found, ...repeated], touched: [...new Set(touched)] };
}

async function rehearseCommands({ commands }: FurtherSteps, options: RehearseFurther['commands']): Promise<readonly Finding[]> {
  const left = commands.filter(({ rehearse }) => !rehearse);
  const unknown = left.map(({ name }): Finding => {
    const message = `The command ${name} did not run on the copy: nothing is known of what it will do.`;
    return { severity: 'warning', rule: 'rehearsal/command-not-run', message };
  });
  const { failure, stopped } = await runCommands({ ...options, commands: commands.filter(({ rehearse }) => rehearse) });
  if (stopped !== undefined) throw stopped;
  if (failure === undefined) return unknown;
  if (failure.error.code !== 'migration/command-failed') throw failure.error;
  return [...unknown, { severity: 'error', rule: 'rehearsal/command-failed', message: `On the copy: ${failure.error.message}` }];
}

type Seeded = readonly { readonly name: string; readonly effects: Effects }[];

async function rehearseSeeds({ seeds: files }: FurtherSteps, options: RehearseFurther['seeds']): Promise<Seeded | Finding> {
  const { done, failure } = await runSeeds({ ...options, files });
  if (failure === undefined) return done;
  const { error } = failure;
  if (error.code !== 'migration/failed') throw error;
  const place = error.place === undefined ? {} : { place: error.place };
  return { severity: 'error', rule: 'rehearsal/seed-failed', message: error.message, ...place };
}

/** A seed that runs each time must not add the same documents each time. */
function judgeRepeat(done: Seeded): readonly Finding[] {
  const adding = done.filter(({ effects }) => Object.values(effects.collections).some(({ inserted }) => inserted > 0));
  return adding.map(({ name, effects }) => {
    const message = `${name} is not repeatable: when it ran for the second time, it added documents again (${describeEffects(effects)}).`;
    return { severity: 'warning', rule: 'rehearsal/seed-adds-again', message };
  });
}
