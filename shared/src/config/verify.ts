import { z } from 'zod';
import { countsSettings } from '../checks/counts.ts';
import { indexSettings } from '../checks/indexes.ts';
import { queryCountSettings } from '../checks/query-count.ts';
import { referenceSettings } from '../checks/references.ts';
import { requiredFieldSettings } from '../checks/required-fields.ts';
import { uniqueSettings } from '../checks/unique.ts';
import { detection } from './detection.ts';
import { duration } from './duration.ts';

/** The structured part of the section `verify` of migration-guard.yml. */
export const settings = z.strictObject({
  /** Name of the collection that records migrations; default: the one named in the rollback point, else `changelog`. */
  changelog: z.string().min(1).exactOptional(),
  counts: countsSettings.prefault({}),
  indexes: z.array(indexSettings).default([]),
  'required-fields': z.array(requiredFieldSettings).default([]),
  queries: z.array(queryCountSettings).default([]),
  references: z.array(referenceSettings).default([]),
  unique: z.array(uniqueSettings).default([]),
  detection: detection.prefault({}),
  preflight: z
    .strictObject({
      /** How far back the oplog must reach once it is full. */
      'oplog-window': duration.prefault('1h'),
    })
    .prefault({}),
});

export type VerifySettings = z.infer<typeof settings>;
