import { z } from 'zod';
import { duration } from './duration.ts';
import { contacts } from './report.ts';

const hook = z.strictObject({
  timeout: duration.prefault('2m').describe('After this long an attempt is killed and counts as failed.'),
  retries: z.int().min(0).max(20).default(0).describe('Further attempts after a failed one.'),
  pause: duration.prefault('5s').describe('Time between two attempts.'),
});

/** The structured part of the section `rollback` of migration-guard.yml. */
export const settings = z.strictObject({
  stop: hook.prefault({}).describe('How stop-command is run: timeout, retries, pause.'),
  start: hook.prefault({}).describe('How start-command is run: timeout, retries, pause.'),
  maintenance: z
    .boolean()
    .default(false)
    .describe(
      'Whether the collection migration_maintenance says during the rollback that the application must not write: {_id: "maintenance", on: true}.',
    ),
  contacts: contacts.describe('Who is called when the rollback itself fails: name, reach, slack (id of a member or user group).'),
});

export type RollbackSettings = z.infer<typeof settings>;
export type HookSettings = z.infer<typeof hook>;
