import type { CommandSettings } from '@migration-guard/shared/config/migrate';
import type { MigrationFile } from '@migration-guard/shared/migration/files';
import type { JournalEntry } from '@migration-guard/shared/migration/journal';
import type { Lock } from '@migration-guard/shared/migration/lock';
import type { Plan } from '@migration-guard/shared/migration/plan';
import type { Project } from '@migration-guard/shared/migration/project';
import type { LoadedFile } from '@migration-guard/shared/migration/worker/protocol';
import type { MigrateContext, MigrateInputs } from '../contract.ts';
import type { Decision } from '../decide.ts';
import type { FurtherSteps } from '../further-steps.ts';
import type { Target } from '../target.ts';

/** What every part of `apply` works with, once the lock is held. */
export interface Work {
  readonly inputs: MigrateInputs;
  readonly context: MigrateContext;
  readonly project: Project;
  readonly target: Target;
  readonly lock: Lock;
  readonly further: FurtherSteps;
}

/** What may be applied: every check that comes before the first write has passed. */
export interface Admitted {
  readonly decision: Decision;
  /** To be run, in order. */
  readonly files: readonly MigrationFile[];
  /** To be run behind the files, in order. */
  readonly commands: readonly CommandSettings[];
  /** To be run at last, in order. */
  readonly seeds: readonly MigrationFile[];
  /** Names of everything that is pending, also of what this run leaves. */
  readonly pending: readonly string[];
  /** All that the plan holds: also the seeds that need not run. */
  readonly plan: Plan;
  readonly loaded: ReadonlyMap<string, LoadedFile>;
  /** Begun in an earlier run, and to be run again: their batches go on where they were. */
  readonly resume: ReadonlySet<string>;
  /** Ended in an earlier run that was killed before it could record them: to be recorded, not to be run. */
  readonly finished: readonly JournalEntry[];
  /** Number of findings of the lint rules and about drift. */
  readonly checked: number;
}
