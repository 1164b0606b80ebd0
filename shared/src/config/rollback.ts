import { z } from 'zod';
import { duration } from './duration.ts';

const hook = z.strictObject({
  timeout: duration.prefault('2m').describe('After this long an attempt is killed and counts as failed.'),
  retries: z.int().min(0).max(20).default(0).describe('Further attempts after a failed one.'),
  pause: duration.prefault('5s').describe('Time between two attempts.'),
});

/** The structured part of the section `rollback` of migration-guard.yml. */
export const settings = z.strictObject({
  stop: hook.prefault({}).describe('How stop-command is run: timeout, retries, pause.'),
  start: hook.prefault({}).describe('How start-command is run: timeout, retries, pause.'),
});

export type RollbackSettings = z.infer<typeof settings>;
export type HookSettings = z.infer<typeof hook>;
