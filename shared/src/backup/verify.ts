import { GuardError } from '../errors/guard-error.ts';
import type { Log } from '../log/log.ts';
import { startProgress, type Progress } from '../log/progress.ts';
import { createDigester, emptyDigest, sameDigest, type Digest } from '../mongo/digest.ts';
import { forEachDocument } from '../mongo/raw-bson.ts';
import { decompressFrame } from './codec.ts';
import { readFrames } from './frame-reader.ts';
import { inParallel } from './in-parallel.ts';
import { hashOf, manifestPath, readManifest, type Manifest, type ManifestCollection, type ManifestFile } from './manifest.ts';
import { metadataText } from './metadata.ts';
import { proofsFolder } from './proof.ts';
import type { BackupStore } from './store.ts';

export interface VerifyOptions {
  readonly store: BackupStore;
  readonly backupId: string;
  readonly log: Log;
  readonly signal?: AbortSignal | undefined;
}

/** One file that a backup must hold, with its exact length. */
interface ExpectedFile {
  readonly path: string;
  readonly bytes: number;
}

/**
 * Reads a whole backup back from its store and compares everything: the manifest with its seal, every file with its length, every frame
 * with its SHA-256, every document with counts and digests, metadata with the manifest; files that do not belong there are refused.
 * Throws `backup/not-found`, `backup/incomplete`, `backup/checksum-mismatch`, `backup/content-mismatch`, `backup/unexpected-file`.
 */
export async function verifyBackup({ store, backupId, log, signal }: VerifyOptions): Promise<Manifest> {
  const manifest = await readManifest(store, backupId);
  await checkFiles(store, manifest);
  const progress = startProgress({ log, doing: 'Verifying', total: manifest.digest });
  const order = manifest.collections.toSorted((a, b) => b.digest.bytes - a.digest.bytes);
  await inParallel(order, 2, async (collection) => {
    signal?.throwIfAborted();
    await checkMetadata(store, manifest, collection);
    const digest = await digestOf({ store, manifest, collection, progress, signal });
    if (sameDigest(digest, collection.digest)) return;
    const counts = `${digest.documents} documents, ${digest.bytes} bytes instead of ${collection.digest.documents} and ${collection.digest.bytes}`;
    throw new GuardError(
      'backup/content-mismatch',
      `${collection.database}.${collection.name} in ${backupId} is not what the manifest says: ${counts}.`,
    );
  });
  log.info(`Verified ${progress.summary()}`);
  return manifest;
}

async function checkFiles(store: BackupStore, { id, collections }: Manifest): Promise<void> {
  const expected = new Map<string, ExpectedFile>();
  for (const { metadata, data } of collections) {
    for (const file of [metadata, data, data?.table]) if (file !== undefined) expected.set(`${id}/${file.path}`, file);
  }
  for (const found of await store.files(id)) {
    if (found.path === manifestPath(id) || found.path.startsWith(proofsFolder(id))) continue;
    const file = expected.get(found.path);
    if (file === undefined) throw new GuardError('backup/unexpected-file', `The backup ${id} holds the unknown file ${found.path}.`);
    if (found.bytes < file.bytes)
      throw new GuardError('backup/incomplete', `The file ${found.path} has ${found.bytes} of ${file.bytes} bytes.`);
    if (found.bytes > file.bytes) throw new GuardError('backup/checksum-mismatch', `The file ${found.path} is longer than it was written.`);
    expected.delete(found.path);
  }
  const [missing] = expected.keys();
  if (missing !== undefined) throw new GuardError('backup/incomplete', `The file ${missing} is missing.`);
}

async function checkMetadata(store: BackupStore, { id, compression }: Manifest, collection: ManifestCollection): Promise<void> {
  const content = await readProven(store, id, collection.metadata);
  const expected = metadataText(collection);
  const text = compression === 'gzip' ? await decompressFrame('gzip', content, Buffer.byteLength(expected)) : content;
  if (text.toString('utf8') === expected) return;
  throw new GuardError('backup/content-mismatch', `The file ${id}/${collection.metadata.path} is not what the manifest says.`);
}

async function readProven(store: BackupStore, id: string, { path, sha256 }: ManifestFile): Promise<Buffer> {
  const content = await store.read(`${id}/${path}`);
  if (content === undefined) throw new GuardError('backup/incomplete', `The file ${id}/${path} is missing.`);
  if (hashOf(content) !== sha256) throw new GuardError('backup/checksum-mismatch', `The file ${id}/${path} was changed or damaged.`);
  return content;
}

interface Counting {
  readonly store: BackupStore;
  readonly manifest: Manifest;
  readonly collection: ManifestCollection;
  readonly progress: Progress;
  readonly signal: AbortSignal | undefined;
}

async function digestOf({ store, manifest, collection, progress, signal }: Counting): Promise<Digest> {
  const { data } = collection;
  if (data === undefined) return emptyDigest;
  const { id, compression } = manifest;
  const digester = await createDigester();
  for await (const { bytes, documents } of readFrames({ store, id, compression, data, signal })) {
    forEachDocument(bytes, (start, end) => digester.add(bytes.subarray(start, end)));
    progress.add(documents, bytes.length);
  }
  return digester.digest();
}
