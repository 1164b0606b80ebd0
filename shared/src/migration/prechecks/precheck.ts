import { z } from 'zod';

const place = { collection: z.string(), file: z.string() };
/** What is weighed together: names of the files, and bytes of the documents of each collection on the copy, before the migration. */
const weighed = { file: z.string(), sizes: z.record(z.string(), z.number()) };

/**
 * A question to the data, or to their server, that decides whether a migration will go well, derived from what it did on the copy. Texts are
 * canonical Extended JSON, in which keys keep their order.
 */
export const precheckSchema = z.discriminatedUnion('kind', [
  /** No two documents may have the same key. The index may be known by its name alone. */
  z.strictObject({ kind: z.literal('unique'), ...place, index: z.string() }),
  /** An index of that name or those keys may not exist with other options. */
  z.strictObject({ kind: z.literal('index-conflict'), ...place, index: z.string() }),
  /** The collection may not exist with other options. */
  z.strictObject({ kind: z.literal('options-conflict'), ...place, options: z.string() }),
  /** Documents that do not fit the validator cannot be changed afterwards. */
  z.strictObject({ kind: z.literal('validator'), ...place, validator: z.string() }),
  /** Documents that are older are deleted within a minute: by a field, that of the index `named`, or else the one by which the collection itself expires. */
  z.strictObject({
    kind: z.literal('expiry'),
    ...place,
    field: z.string().exactOptional(),
    named: z.string().exactOptional(),
    seconds: z.number(),
  }),
  /** A structure cannot be changed while an index of it is built: the change fails, or waits as long. */
  z.strictObject({ kind: z.literal('index-build'), ...place }),
  /** Whether queries use an index that is dropped: they scan the whole collection afterwards. By name (`*`: all) or keys. */
  z.strictObject({ kind: z.literal('index-use'), ...place, index: z.string() }),
  /** The disk must hold what is added: bytes of documents, before they are compressed, and of indexes, as they were on the copy. */
  z.strictObject({ kind: z.literal('disk'), ...weighed, documents: z.number(), indexes: z.number() }),
  /** The oplog must hold what is written, or members and change streams that are behind are lost. As it was on the copy. */
  z.strictObject({ kind: z.literal('oplog'), ...weighed, bytes: z.number(), milliseconds: z.number() }),
]);

export type Precheck = z.infer<typeof precheckSchema>;
/** About the server, not about the data. */
export type ServerPrecheck = Extract<Precheck, { readonly sizes: unknown }>;
export type DataPrecheck = Exclude<Precheck, ServerPrecheck>;

export function isAboutServer(check: Precheck): check is ServerPrecheck {
  return 'sizes' in check;
}

/** What only the target can answer: the copy has another server, and none of the application's queries. */
export function isAboutTarget(check: Precheck): boolean {
  return isAboutServer(check) || check.kind === 'index-use';
}

/** What the data answered. */
export interface PrecheckAnswer {
  readonly check: Precheck;
  /** Documents, groups of documents (at most `mostCounted`), or queries, that stand against it. `undefined` when it is not known. */
  readonly found: number | undefined;
  /** One sentence for people, without values of documents. */
  readonly message: string;
}

/** Counting ends here: whoever has so many violators needs no exact number. */
export const mostCounted = 10_000;

/** Conflicts make the migration fail, or the server; documents that become unchangeable or expire, and slow queries, may be meant. */
export function severityOf({ kind }: Precheck): 'error' | 'warning' {
  return kind === 'validator' || kind === 'expiry' || kind === 'index-use' ? 'warning' : 'error';
}
