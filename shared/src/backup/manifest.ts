import { createHash } from 'node:crypto';
import { z } from 'zod';
import { defineDocument } from '../documents/document.ts';
import { GuardError } from '../errors/guard-error.ts';
import { digestSchema } from '../mongo/digest.ts';
import { compressions } from './codec.ts';
import type { BackupStore } from './store.ts';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
/** A file of the backup, `path` relative to the backup's folder. */
const file = z.object({ path: z.string(), bytes: z.number(), sha256 });

/** Documents: frames one after another. The table holds the SHA-256 of each, and the manifest that of the table. */
const documents = z.object({
  path: z.string(),
  bytes: z.number(),
  frames: z.number(),
  table: file,
  /** Of an encrypted file: bytes of all frames before encryption, and the SHA-256 of what is stored. */
  content: z.number().exactOptional(),
  sha256: sha256.exactOptional(),
});

const consistencyKind = z.enum(['snapshot', 'oplog', 'quiescent', 'none']);

const collection = z.object({
  database: z.string(),
  name: z.string(),
  type: z.enum(['collection', 'view', 'timeseries']),
  uuid: z.string().exactOptional(),
  /** Canonical Extended JSON, keys in the server's order. */
  options: z.string(),
  /** Canonical Extended JSON of each index, in the server's order. */
  indexes: z.array(z.string()).readonly(),
  /** Whether the documents are those of the backup's cluster time (or of a time without writes); false is said loudly. */
  pointInTime: z.boolean(),
  /** Of a time series: its buckets. Of a view: nothing. */
  digest: digestSchema,
  /** Only documents that fit this query were taken, Extended JSON as it was given. */
  query: z.string().exactOptional(),
  /**
   * With consistency `oplog`: the documents that the oplog writes to, as the server had them at its end. Absent when it
   * writes to none, and where the server could not tell.
   */
  touched: digestSchema.exactOptional(),
  metadata: file,
  /** Absent for views. */
  data: documents.exactOptional(),
});

/** The entries of the oplog that bring the collections to the point in time of the backup. Times are `seconds.increment`. */
const oplog = documents.extend({
  entries: z.number(),
  digest: digestSchema,
  /** The time of the first entry that was looked at. */
  from: z.string(),
  /** When the last document had been read: only from here on the collections show one point in time. */
  dataUntil: z.string(),
  to: z.string(),
});

/** Users, roles, and the version of their form, in the documents that the server itself keeps. */
const accounts = z.object({
  kind: z.enum(['users', 'roles', 'version']),
  /** The database to which they belong; empty: all. */
  database: z.string(),
  digest: digestSchema,
  data: documents,
});

const schema = z.object({
  version: z.literal(1),
  id: z.string(),
  /** ISO 8601. */
  startedAt: z.string(),
  finishedAt: z.string(),
  /** `engine` is the program that read the documents, when it was not this one. */
  tool: z.object({ name: z.string(), version: z.string(), engine: z.object({ name: z.string(), version: z.string() }).exactOptional() }),
  /** `featureVersion` is the featureCompatibilityVersion, where the user may ask for it. */
  server: z.object({
    version: z.string(),
    featureVersion: z.string().exactOptional(),
    topology: z.enum(['standalone', 'replica-set', 'sharded']),
  }),
  environment: z.string().exactOptional(),
  /**
   * `clusterTime` is `seconds.increment` of the point in time that the backup shows, `because` why it is not a stronger kind, where that
   * was not asked for.
   */
  consistency: z.object({ kind: consistencyKind, clusterTime: z.string().exactOptional(), because: z.string().exactOptional() }),
  compression: z.enum(compressions),
  /** Options and indexes of the collections can hold values: they are in an encrypted file then, not here. */
  encryption: z.object({ format: z.literal('age'), recipients: z.array(z.string()).readonly(), definitions: file }).exactOptional(),
  selection: z.object({
    databases: z.array(z.string()).readonly(),
    include: z.array(z.string()).readonly(),
    exclude: z.array(z.string()).readonly(),
  }),
  collections: z.array(collection).readonly(),
  /** With consistency `oplog`. */
  oplog: oplog.exactOptional(),
  /** Only when they were asked for. */
  accounts: z.array(accounts).readonly().exactOptional(),
  /** Another tool keeps the documents; there are no collections here then. `at` is the time that they show, ISO 8601. */
  held: z.object({ engine: z.enum(['pbm', 'atlas']), id: z.string(), place: z.string(), at: z.string() }).exactOptional(),
  /** Sums over all collections. */
  digest: digestSchema,
  /** Bytes of all files but the manifest. */
  storedBytes: z.number(),
});

export type ConsistencyKind = z.infer<typeof consistencyKind>;
export type ManifestFile = z.infer<typeof file>;
export type StoredDocuments = z.infer<typeof documents>;
export type ManifestOplog = z.infer<typeof oplog>;
export type ManifestAccounts = z.infer<typeof accounts>;
export type ManifestCollection = z.infer<typeof collection>;
/** What a backup holds. It is written last of all: a backup without one does not count. */
export type Manifest = z.infer<typeof schema>;

const manifest = defineDocument('backup manifest', 1, schema);

/** Documents of a backup beside those of its collections. */
export interface OtherDocuments {
  /** As messages name them. */
  readonly what: string;
  readonly data: StoredDocuments;
  readonly digest: z.infer<typeof digestSchema>;
}

export function otherDocumentsOf({ oplog: replay, accounts: owned = [] }: Manifest): readonly OtherDocuments[] {
  return [
    ...(replay === undefined ? [] : [{ what: 'the oplog', data: replay, digest: replay.digest }]),
    ...owned.map(({ kind, database, data, digest }) => ({ what: database === '' ? kind : `${kind} of ${database}`, data, digest })),
  ];
}

/** Every file of a backup but the manifest itself and what is added later, such as proofs. */
export function filesOf(content: Manifest): readonly Pick<ManifestFile, 'path' | 'bytes'>[] {
  const { collections, encryption } = content;
  const documented = [...collections, ...otherDocumentsOf(content)].map(({ data }) => data);
  const small = [encryption?.definitions, ...collections.map(({ metadata }) => metadata), ...documented.map((data) => data?.table)];
  return [...documented, ...small].filter((one) => one !== undefined);
}

/** Whether only some documents of a collection were taken: such a backup stands for no database. */
export function isPartial({ collections }: Pick<Manifest, 'collections'>): boolean {
  return collections.some(({ query }) => query !== undefined);
}

export const manifestPath = (id: string): string => `${id}/manifest.json`;

/** Commits a backup. The last member is the SHA-256 of all that comes before it. */
export async function writeManifest(store: BackupStore, content: Manifest): Promise<void> {
  const collections = content.collections.map((entry) => ({
    ...entry,
    options: '{}',
    indexes: [],
    ...(entry.query === undefined ? {} : { query: '{}' }),
  }));
  const written = content.encryption === undefined ? content : { ...content, collections };
  const body = JSON.stringify(written);
  await store.put(manifestPath(content.id), `${JSON.stringify({ ...written, sha256: hashOf(body) }, undefined, 1)}\n`, { onlyNew: true });
}

/** What an encrypted backup holds in place of the options and indexes in its manifest: those of each collection, in the same order. */
const definitions = z.array(collection.pick({ options: true, indexes: true, query: true }));

export function definitionsText(collections: readonly ManifestCollection[]): string {
  return `${JSON.stringify(collections.map(({ options, indexes, query }) => ({ options, indexes, query })))}\n`;
}

/** Reads a committed backup's manifest. Throws as `readOverview`, `backup/held-elsewhere`, and `backup/key-missing`, `backup/key-wrong` when it is encrypted. */
export async function readManifest(store: BackupStore, id: string): Promise<Manifest> {
  return withDefinitions(store, await readOverview(store, id));
}

/** The manifest with the options and indexes that it does not tell when the backup is encrypted. Throws as `readManifest`. */
export async function withDefinitions(store: BackupStore, content: Manifest): Promise<Manifest> {
  if (content.held !== undefined)
    throw new GuardError('backup/held-elsewhere', `The documents of ${content.id} are kept by \`engine: ${content.held.engine}\`.`);
  if (content.encryption === undefined) return content;
  if (store.decrypts !== true) throw new GuardError('backup/key-missing', `The backup ${content.id} is encrypted.`);
  const text = await readProven(store, content.id, content.encryption.definitions);
  const defined = definitions.parse(JSON.parse(text.toString('utf8')));
  return { ...content, collections: content.collections.map((entry, index) => ({ ...entry, ...defined[index] })) };
}

/** A small file of a backup, proven by the manifest. Throws `backup/incomplete`, `backup/checksum-mismatch`. */
export async function readProven(store: BackupStore, id: string, { path, sha256: expected }: ManifestFile): Promise<Buffer> {
  const source = `${id}/${path}`;
  const stored = await readStored(store, source, expected);
  return store.raw === undefined ? stored : ((await store.read(source)) ?? stored);
}

/** A file as it is stored, encrypted or not, when it has the expected SHA-256. Throws as `readProven`. */
export async function readStored(store: BackupStore, path: string, expected: string): Promise<Buffer> {
  const stored = await (store.raw ?? store).read(path);
  if (stored === undefined) throw new GuardError('backup/incomplete', `The file ${path} is missing.`);
  if (hashOf(stored) !== expected) throw new GuardError('backup/checksum-mismatch', `The file ${path} was changed or damaged.`);
  return stored;
}

/**
 * Reads a committed backup's manifest; of an encrypted one without options and indexes, as no key is asked for. Throws `backup/not-found`, `backup/incomplete` for a folder without a manifest,
 * `backup/checksum-mismatch`, `document/too-new`, `document/invalid`.
 */
export async function readOverview(store: BackupStore, id: string): Promise<Manifest> {
  const source = store.locate(manifestPath(id));
  const bytes = await store.read(manifestPath(id));
  if (bytes === undefined) {
    const started = (await store.folders()).includes(id);
    if (started) throw new GuardError('backup/incomplete', `The backup ${id} has no manifest: it was never finished.`);
    throw new GuardError('backup/not-found', `There is no backup ${id} in ${store.location}.`);
  }
  const { sha256: seal, ...body } = parseSealed(bytes, source);
  const content = manifest.parse(body, source);
  if (seal !== hashOf(JSON.stringify(body)))
    throw new GuardError('backup/checksum-mismatch', `The manifest ${source} was changed or damaged.`);
  if (content.id !== id) throw new GuardError('backup/checksum-mismatch', `The manifest ${source} belongs to the backup ${content.id}.`);
  return content;
}

function parseSealed(bytes: Buffer, source: string): Record<string, unknown> {
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(bytes.toString('utf8')));
  } catch (error) {
    throw new GuardError('backup/checksum-mismatch', `The manifest ${source} is cut off or damaged.`, { cause: error });
  }
}

export function hashOf(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
