import { z } from 'zod';

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
      'What happens to a field, by collection.path with * for one step and ** for any number: keep, null, hash (a token) or fake (a value of the same type and shape). The last rule that fits counts.',
    ),
});

/** The part `rehearsal` of the section `migrate`. */
export const rehearsal = z.strictObject({
  /** A collection may lose so many percent of its documents before the rehearsal fails. */
  'max-loss-percent': percent.default(10),
  /** Collections that are meant to lose more, by name. */
  'expected-loss-percent': z.record(z.string(), percent).default({}),
  sample: sample.optional().describe('Restores only a part of each collection into the copy, and whatever that part refers to.'),
  mask: mask.optional().describe('Replaces personal data in the copy. Types, unique values and references stay.'),
});

export type RehearsalSettings = z.infer<typeof rehearsal>;
