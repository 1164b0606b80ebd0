import { z } from 'zod';
import { duration } from './duration.ts';

const hook = z.strictObject({
  /** After this long an attempt is killed and counts as failed. */
  timeout: duration.prefault('2m'),
  /** Further attempts after a failed one. */
  retries: z.int().min(0).max(20).default(0),
  /** Time between two attempts. */
  pause: duration.prefault('5s'),
});

/** The structured part of the section `rollback` of migration-guard.yml. */
export const settings = z.strictObject({
  /** How `stop-command` is run. */
  stop: hook.prefault({}),
  /** How `start-command` is run. */
  start: hook.prefault({}),
});

export type RollbackSettings = z.infer<typeof settings>;
export type HookSettings = z.infer<typeof hook>;
