import { z } from 'zod';

const percent = z.number().min(0).max(100);

/** The structured part of the section `migrate` of migration-guard.yml. */
export const settings = z.strictObject({
  rehearsal: z
    .strictObject({
      /** A collection may lose so many percent of its documents before the rehearsal fails. */
      'max-loss-percent': percent.default(10),
      /** Collections that are meant to lose more, by name. */
      'expected-loss-percent': z.record(z.string(), percent).default({}),
    })
    .prefault({}),
});

export type MigrateSettings = z.infer<typeof settings>;
