import { z } from 'zod';

const place = { collection: z.string(), file: z.string() };

/**
 * A question to the data that decides whether a migration will go well, derived from what it did on the copy. Texts are canonical Extended
 * JSON, in which keys keep their order.
 */
export const precheckSchema = z.discriminatedUnion('kind', [
  /** No two documents may have the same key. */
  z.strictObject({ kind: z.literal('unique'), ...place, index: z.string() }),
  /** An index of that name or those keys may not exist with other options. */
  z.strictObject({ kind: z.literal('index-conflict'), ...place, index: z.string() }),
  /** The collection may not exist with other options. */
  z.strictObject({ kind: z.literal('options-conflict'), ...place, options: z.string() }),
  /** Documents that do not fit the validator cannot be changed afterwards. */
  z.strictObject({ kind: z.literal('validator'), ...place, validator: z.string() }),
  /** Documents that are older are deleted within a minute. */
  z.strictObject({ kind: z.literal('expiry'), ...place, field: z.string(), seconds: z.number() }),
]);

export type Precheck = z.infer<typeof precheckSchema>;

/** What the data answered. */
export interface PrecheckAnswer {
  readonly check: Precheck;
  /** Documents, or groups of documents, that stand against it; at most `mostCounted`. `undefined` when there was no time to count. */
  readonly found: number | undefined;
  /** One sentence for people, without values of documents. */
  readonly message: string;
}

/** Counting ends here: whoever has so many violators needs no exact number. */
export const mostCounted = 10_000;

/** Conflicts make the migration fail; documents that become unchangeable or expire may be meant. */
export function severityOf({ kind }: Precheck): 'error' | 'warning' {
  return kind === 'validator' || kind === 'expiry' ? 'warning' : 'error';
}
