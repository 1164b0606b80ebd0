import { z } from 'zod';
import { duration } from './duration.ts';

const percent = z.number().min(0).max(100);
const documents = z.int().min(0);

const sample = z.strictObject({
  documents: documents
    .default(1_000)
    .describe('Documents that are taken of each collection, at random but the same ones for the same backup.'),
  collections: z
    .record(z.string(), z.union([documents, z.literal('all')]))
    .default({})
    .describe('Other numbers for single collections, or all.'),
  references: z
    .record(z.string().regex(/^[^.]+\..+$/, 'expected collection.field'), z.string())
    .default({})
    .describe(
      'Fields that refer to the _id of another collection, such as orders.customer: customers. Ids that are ObjectIds or UUIDs are followed without.',
    ),
});

const maskRule = z.enum(['keep', 'null', 'hash', 'fake']);

const mask = z.strictObject({
  detect: z.boolean().default(true).describe('Whether fields that no rule names are masked when they look personal, by name or by value.'),
  rules: z
    .record(z.string().regex(/^[^.\s]/, 'expected collection.field'), maskRule)
    .default({})
    .refine(
      (rules) => Object.entries(rules).every(([pattern, method]) => method !== 'null' || !pattern.endsWith('._id')),
      'an _id cannot be null',
    )
    .describe(
      'What happens to a field, by collection.path with * for one step and ** for any number: keep, null, hash (a token) or fake (a value of the same type and shape). The last rule that fits counts; an _id is only meant by a rule that names it.',
    ),
});

const budget = z.strictObject({
  time: duration.optional().describe('Longest time on the target, by the upper end of the forecast.'),
  documents: documents.optional().describe('Most documents that may be written.'),
  'oplog-percent': percent.optional().describe("Largest part of the target's oplog window."),
});

const query = z.strictObject({
  collection: z.string().min(1),
  filter: z.record(z.string(), z.json()).default({}).describe('A MongoDB filter; dates, object ids and the like as Extended JSON.'),
  sort: z.record(z.string(), z.union([z.literal(1), z.literal(-1)])).optional(),
});

/** The part `rehearsal` of the section `migrate`. */
export const rehearsal = z.strictObject({
  /** A collection may lose so many percent of its documents before the rehearsal fails. */
  'max-loss-percent': percent.default(10),
  /** Collections that are meant to lose more, by name. */
  'expected-loss-percent': z.record(z.string(), percent).default({}),
  'max-changed-percent': percent
    .default(100)
    .describe('A file that changes or removes more of a collection has a warning (MD107), which a comment with a reason acknowledges.'),
  queries: z
    .array(query)
    .default([])
    .describe('Queries of the application whose plans are compared before and after each file (MC205): collection, filter, sort.'),
  'map-hosts': z
    .array(z.string())
    .default([])
    .describe(
      'MongoDB servers that the copy stands for, name or name:port, also *.example.net: a client that a migration opens to one gets the copy.',
    ),
  'map-databases': z
    .array(z.string())
    .default([])
    .describe(
      'Databases beside the target that migrations use: on the server of the copy they are empty, or what the migrations made of them.',
    ),
  'allow-hosts': z
    .array(z.string())
    .default([])
    .describe('Other hosts that migrations may connect to while they are rehearsed, name or name:port.'),
  'allow-programs': z.array(z.string()).default([]).describe('Programs that migrations may start while they are rehearsed.'),
  'half-done': z
    .boolean()
    .default(true)
    .describe('Whether each file that takes less than 10 s is also made to fail in the middle, on a server of the rehearsal of its own.'),
  'show-ids': z
    .boolean()
    .default(false)
    .describe('Whether findings show each _id as it is. Otherwise text that may be a name or an address is left out.'),
  'show-values': z
    .boolean()
    .default(false)
    .describe('Whether the samples of changed documents show values; for copies that are masked or hold nothing personal.'),
  budget: budget.prefault({}).describe('Limits of the forecast; one that is broken fails the rehearsal.'),
  sample: sample.optional().describe('Restores only a part of each collection into the copy, and whatever that part refers to.'),
  mask: mask.optional().describe('Replaces personal data in the copy. Types, unique values and references stay.'),
});

export type RehearsalSettings = z.infer<typeof rehearsal>;
