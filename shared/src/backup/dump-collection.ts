import type { MongoClient, Timestamp } from 'mongodb';
import { createDigester, emptyDigest, type Digest } from '../mongo/digest.ts';
import { readRaw, scan } from '../mongo/raw-read.ts';
import type { Progress } from '../log/progress.ts';
import { encryptedSuffix } from './age/decrypting-store.ts';
import type { Recipient } from './age/keys.ts';
import { sealingWriter, sealWhole } from './age/sealing-writer.ts';
import type { Budget } from './budget.ts';
import { compressFrame, extensions, type Compression } from './codec.ts';
import { escapeCollection } from './file-names.ts';
import { frameTableText } from './frame-table.ts';
import { FrameWriter } from './frame-writer.ts';
import { hashOf, type ManifestCollection, type ManifestFile } from './manifest.ts';
import { metadataText, proveMetadata } from './metadata.ts';
import type { PlannedCollection } from './plan.ts';
import type { BackupStore } from './store.ts';

export interface DumpOptions {
  readonly client: MongoClient;
  readonly store: BackupStore;
  /** Id of the backup: the folder in the store. */
  readonly id: string;
  readonly compression: Compression;
  /** For whom the files are encrypted; empty: they are not. */
  readonly recipients: readonly Recipient[];
  /** Shared by all collections that are dumped side by side. */
  readonly budget: Budget;
  readonly progress: Progress;
  readonly signal?: AbortSignal | undefined;
}

export interface DumpTarget {
  readonly planned: PlannedCollection;
  /** The time at which the documents are read; `undefined` reads them as they come. */
  readonly atClusterTime: Timestamp | undefined;
  readonly pointInTime: boolean;
  /** What the server thinks it holds, bytes of BSON; 0 when unknown. */
  readonly expectedBytes: number;
}

/**
 * Writes one collection into the backup's folder: metadata as mongodump writes them, documents as frames, and the frame table. Documents
 * keep the order in which the server gave them. Errors of driver and store are thrown as they are.
 */
export async function dumpCollection(options: DumpOptions, target: DumpTarget): Promise<ManifestCollection> {
  const { database, entry, source } = target.planned;
  proveMetadata(database, entry);
  const metadata = await writeMetadata(options, target.planned);
  const described = { database, ...entry, pointInTime: target.pointInTime, metadata };
  if (source === undefined) return { ...described, digest: emptyDigest };
  return { ...described, ...(await writeDocuments(options, { ...target, source })) };
}

/** The files of `source`, relative to the backup's folder and without an extension. */
function pathsOf(database: string, source: string): { readonly dump: string; readonly frames: string } {
  const name = `${database}/${escapeCollection(source)}`;
  return { dump: `dump/${name}`, frames: `frames/${name}.json` };
}

async function writeMetadata(
  { store, id, compression, recipients }: DumpOptions,
  { database, entry }: PlannedCollection,
): Promise<ManifestFile> {
  const text = Buffer.from(metadataText(entry));
  // Stock mongorestore --gzip wants every file as gzip; with other codecs people can read the metadata as they are.
  const content = compression === 'gzip' ? await compressFrame('gzip', text) : text;
  const path = `${pathsOf(database, entry.name).dump}.metadata.json${compression === 'gzip' ? '.gz' : ''}`;
  return putFile({ store, id, recipients }, path, content);
}

/** Writes a small file of a backup, encrypted when there are recipients. */
export async function putFile(
  { store, id, recipients }: Pick<DumpOptions, 'store' | 'id' | 'recipients'>,
  path: string,
  content: Buffer,
): Promise<ManifestFile> {
  const stored = recipients.length === 0 ? content : sealWhole(content, recipients);
  const name = recipients.length === 0 ? path : encryptedName(path);
  await store.put(`${id}/${name}`, stored);
  return { path: name, bytes: stored.length, sha256: hashOf(stored) };
}

/** With the suffix; the longest names of collections leave no room for it, so that some of the name goes. */
function encryptedName(path: string): string {
  const name = `${path}${encryptedSuffix}`;
  const longest = 255;
  return name.length - name.lastIndexOf('/') - 1 <= longest ? name : name.replace(/\.metadata\.json(\.gz)?\.age$/, '.meta.age');
}

interface Readable extends DumpTarget {
  readonly source: string;
}

async function writeDocuments(options: DumpOptions, target: Readable): Promise<Required<Pick<ManifestCollection, 'data' | 'digest'>>> {
  const { store, id, compression, budget, recipients } = options;
  const paths = pathsOf(target.planned.database, target.source);
  const encrypted = recipients.length > 0;
  const path = `${paths.dump}.bson${extensions[compression]}${encrypted ? encryptedSuffix : ''}`;
  const file = await store.openWriter(`${id}/${path}`, target.expectedBytes);
  const sealing = encrypted ? sealingWriter(file, recipients) : undefined;
  const writer = sealing ?? file;
  const frames = new FrameWriter({ writer, compression, budget });
  try {
    const digest = await copyDocuments(options, target, frames);
    const written = await frames.finish();
    await writer.close();
    const content = written.reduce((sum, { stored }) => sum + stored, 0);
    const stored = sealing === undefined ? { bytes: content } : { ...sealing.stored(), content };
    const table = await putFile(options, paths.frames, Buffer.from(frameTableText({ version: 1, file: path, frames: written })));
    return { data: { path, ...stored, frames: written.length, table }, digest };
  } catch (error) {
    await frames.finish().catch(() => undefined);
    await writer.abort();
    throw error;
  }
}

async function copyDocuments({ client, progress, signal }: DumpOptions, target: Readable, frames: FrameWriter): Promise<Digest> {
  const { planned, source, atClusterTime } = target;
  const digester = createDigester();
  const query = { client, database: planned.database, collection: source, command: scan(source, { atClusterTime }), signal };
  for await (const batch of readRaw(query)) {
    const run = digester.addArray(batch);
    frames.add(run);
    progress.add(run.documents, run.bytes.length);
    await frames.ready();
  }
  return digester.digest();
}
