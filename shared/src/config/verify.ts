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
  changelog: z
    .string()
    .min(1)
    .exactOptional()
    .describe('Collection that records migrations; default: the one named in the rollback point, else changelog.'),
  counts: countsSettings.prefault({}).describe('How far the number of documents may drift from the rollback point.'),
  indexes: z.array(indexSettings).default([]).describe('Indexes that must be there: collection, name, keys, unique.'),
  'required-fields': z.array(requiredFieldSettings).default([]).describe('Fields that every document must have: collection, field, type.'),
  queries: z
    .array(queryCountSettings)
    .default([])
    .describe('Filters with the number of documents that must match: exactly, at-least, at-most.'),
  references: z
    .array(referenceSettings)
    .default([])
    .describe('Fields whose values must be in another collection: collection, field, to, to-field.'),
  unique: z.array(uniqueSettings).default([]).describe('Fields that together must differ in every document: collection, fields.'),
  detection: detection.prefault({}).describe('Changes to single detection rules, or off; each with its limit above which it applies.'),
  preflight: z
    .strictObject({
      'oplog-window': duration.prefault('1h').describe('How far back the oplog must reach once it is full.'),
    })
    .prefault({})
    .describe('Limits of the mode preflight.'),
});

export type VerifySettings = z.infer<typeof settings>;
