import { createHash } from 'node:crypto';
import { GuardError } from '../errors/guard-error.ts';
import type { Log } from '../log/log.ts';
import { startProgress, type Progress } from '../log/progress.ts';
import { addDigests, emptyDigest, sameDigest, type Digest } from '../mongo/digest.ts';
import { memoryPool } from '../mongo/memory-pool.ts';
import { checkFiles } from './check-files.ts';
import { decompressFrame } from './codec.ts';
import { readFrames } from './frame-reader.ts';
import { inParallel, widthByBytes } from './in-parallel.ts';
import {
  otherDocumentsOf,
  readOverview,
  readProven,
  readStored,
  withDefinitions,
  type Manifest,
  type ManifestCollection,
} from './manifest.ts';
import { metadataText } from './metadata.ts';
import type { BackupStore } from './store.ts';

/** Bytes that are read at once where there are no frames to go by. */
const pieceBytes = 16 * 2 ** 20;

/** Collections that are read back side by side. */
const width = widthByBytes<Pick<ManifestCollection, 'digest'>>(2, ({ digest }) => digest.bytes);

export interface VerifyOptions {
  readonly store: BackupStore;
  readonly backupId: string;
  readonly log: Log;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads a whole backup back from its store and compares everything: the manifest with its seal, every file with its length, every frame
 * with its SHA-256, every document with counts and digests, metadata with the manifest; files that do not belong there are refused.
 * An encrypted backup is verified without its key too: then every stored byte is compared, but nothing is counted.
 * Throws `backup/not-found`, `backup/incomplete`, `backup/checksum-mismatch`, `backup/content-mismatch`, `backup/unexpected-file`.
 */
export async function verifyBackup({ store, backupId, log, signal }: VerifyOptions): Promise<Manifest> {
  const overview = await readOverview(store, backupId);
  await checkFiles(store, overview);
  if (overview.encryption !== undefined && store.decrypts !== true) return verifyStored({ store, manifest: overview, log, signal });
  const manifest = await withDefinitions(store, overview);
  const progress = startProgress({ log, doing: 'Verifying', total: manifest.digest });
  const order = manifest.collections.toSorted((a, b) => b.digest.bytes - a.digest.bytes);
  await inParallel(order, width, async (collection) => {
    signal?.throwIfAborted();
    await checkMetadata(store, manifest, collection);
    const digest = await digestOf({ store, manifest, data: collection.data, progress, signal });
    if (sameDigest(digest, collection.digest)) return;
    const counts = `${digest.documents} documents, ${digest.bytes} bytes instead of ${collection.digest.documents} and ${collection.digest.bytes}`;
    throw new GuardError(
      'backup/content-mismatch',
      `${collection.database}.${collection.name} in ${backupId} is not what the manifest says: ${counts}.`,
    );
  });
  for (const { what, data, digest } of otherDocumentsOf(manifest)) {
    const found = await digestOf({ store, manifest, data, progress, signal });
    if (!sameDigest(found, digest))
      throw new GuardError('backup/content-mismatch', `${backupId} does not hold ${what} as the manifest says.`);
  }
  log.info(`Verified ${progress.summary()}`);
  return manifest;
}

/** Without the key: what is stored is what was written, byte by byte. */
async function verifyStored({
  store,
  manifest,
  log,
  signal,
}: Pick<Counting, 'store' | 'manifest' | 'signal'> & { readonly log: Log }): Promise<Manifest> {
  const { id, collections, encryption, storedBytes } = manifest;
  log.info('The backup is encrypted and there is no key: its stored bytes are compared, its content is not.');
  const progress = startProgress({ log, doing: 'Verifying', total: { documents: manifest.digest.documents, bytes: storedBytes } });
  if (encryption !== undefined) await readStored(store, `${id}/${encryption.definitions.path}`, encryption.definitions.sha256);
  await inParallel(collections, width, async ({ metadata, data, digest }) => {
    signal?.throwIfAborted();
    await readStored(store, `${id}/${metadata.path}`, metadata.sha256);
    if (data === undefined) return;
    await readStored(store, `${id}/${data.table.path}`, data.table.sha256);
    await checkStoredData(store, `${id}/${data.path}`, data);
    progress.add(digest.documents, data.bytes);
  });
  for (const { data } of otherDocumentsOf(manifest)) {
    await readStored(store, `${id}/${data.table.path}`, data.table.sha256);
    await checkStoredData(store, `${id}/${data.path}`, data);
  }
  log.info(`Verified ${progress.summary()}`);
  return manifest;
}

/** Reads a file of any size in pieces. */
async function checkStoredData(
  store: BackupStore,
  path: string,
  { bytes, sha256 }: NonNullable<ManifestCollection['data']>,
): Promise<void> {
  const hash = createHash('sha256');
  for (let offset = 0; offset < bytes; offset += pieceBytes) {
    const piece = await (store.raw ?? store).read(path, { offset, bytes: Math.min(pieceBytes, bytes - offset) });
    if (piece === undefined) throw new GuardError('backup/incomplete', `The file ${path} is missing.`);
    hash.update(piece);
    memoryPool.leaseOf(piece)?.end();
  }
  if (hash.digest('hex') !== sha256) throw new GuardError('backup/checksum-mismatch', `The bytes of ${path} were changed or damaged.`);
}

async function checkMetadata(store: BackupStore, { id, compression }: Manifest, collection: ManifestCollection): Promise<void> {
  const content = await readProven(store, id, collection.metadata);
  const expected = metadataText(collection);
  const text = compression === 'gzip' ? await decompressFrame('gzip', content, { plainBytes: Buffer.byteLength(expected) }) : content;
  if (text.toString('utf8') === expected) return;
  throw new GuardError('backup/content-mismatch', `The file ${id}/${collection.metadata.path} is not what the manifest says.`);
}

interface Counting {
  readonly store: BackupStore;
  readonly manifest: Manifest;
  readonly data: ManifestCollection['data'];
  readonly progress: Progress;
  readonly signal: AbortSignal | undefined;
}

async function digestOf({ store, manifest, data, progress, signal }: Counting): Promise<Digest> {
  if (data === undefined) return emptyDigest;
  const { id, compression } = manifest;
  let sum = emptyDigest;
  for await (const { bytes, digest } of readFrames({ store, id, compression, data, signal })) {
    memoryPool.leaseOf(bytes)?.end();
    sum = addDigests(sum, digest);
    progress.add(digest.documents, digest.bytes);
  }
  return sum;
}
