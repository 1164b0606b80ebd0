import type { Document, MongoClient, Timestamp } from 'mongodb';
import { createDigester, emptyDigest, type Digest } from '../mongo/digest.ts';
import { parseExtendedJson } from '../mongo/extended-json.ts';
import { readConcernOf, readRaw, scan, wholeReply } from '../mongo/raw-read.ts';
import { memoryPool } from '../mongo/memory-pool.ts';
import type { Progress } from '../log/progress.ts';
import { compressFrame } from './codec.ts';
import { putFile, writeDocumentFile, type DocumentFileOptions } from './document-file.ts';
import { escapeCollection } from './file-names.ts';
import type { FrameWriter } from './frame-writer.ts';
import type { ManifestCollection, ManifestFile } from './manifest.ts';
import { metadataText, proveMetadata } from './metadata.ts';
import type { PlannedCollection } from './planned-collection.ts';

export interface DumpOptions extends DocumentFileOptions {
  readonly client: MongoClient;
  readonly progress: Progress;
  readonly signal?: AbortSignal | undefined;
}

export interface DumpTarget {
  readonly planned: PlannedCollection;
  /** The time at which the documents are read; `undefined` reads them as they come. */
  readonly atClusterTime: Timestamp | undefined;
  /** Without a cluster time: they are read as a majority of the members has them, at this time or later. */
  readonly notBefore?: Timestamp | undefined;
  /** Most documents that are read; default: all. */
  readonly limit?: number | undefined;
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
  const { query } = target.planned;
  const described = { database, ...entry, pointInTime: target.pointInTime, ...(query === undefined ? {} : { query }), metadata };
  if (source === undefined) return { ...described, digest: emptyDigest };
  return { ...described, ...(await writeDocuments(options, { ...target, source })) };
}

/** The files of `source`, relative to the backup's folder and without an extension. */
export function pathsOf(database: string, source: string): { readonly dump: string; readonly frames: string } {
  const name = `${database}/${escapeCollection(source)}`;
  return { dump: `dump/${name}`, frames: `frames/${name}.json` };
}

export async function writeMetadata(
  { store, id, compression, recipients }: DumpOptions,
  { database, entry }: PlannedCollection,
): Promise<ManifestFile> {
  const text = Buffer.from(metadataText(entry));
  // Stock mongorestore --gzip wants every file as gzip; with other codecs people can read the metadata as they are.
  const content = compression === 'gzip' ? await compressFrame('gzip', text) : text;
  const path = `${pathsOf(database, entry.name).dump}.metadata.json${compression === 'gzip' ? '.gz' : ''}`;
  return putFile({ store, id, recipients }, path, content);
}

interface Readable extends DumpTarget {
  readonly source: string;
}

async function writeDocuments(options: DumpOptions, target: Readable): Promise<Required<Pick<ManifestCollection, 'data' | 'digest'>>> {
  const { expectedBytes } = target;
  const paths = { ...pathsOf(target.planned.database, target.source), expectedBytes };
  const { data, filled: digest } = await writeDocumentFile(options, paths, (frames) => copyDocuments(options, target, frames));
  return { data, digest };
}

async function copyDocuments({ client, progress, signal }: DumpOptions, target: Readable, frames: FrameWriter): Promise<Digest> {
  const { planned, source } = target;
  const digester = createDigester();
  const query = { client, database: planned.database, collection: source, command: commandOf(target), signal };
  for await (const batch of readRaw(query)) {
    const run = digester.addArray(batch);
    frames.add(run, memoryPool.leaseOf(batch));
    progress.add(run.documents, run.bytes.length);
    await frames.ready();
  }
  return digester.digest();
}

/** Reads all documents, or those that fit the query: then without the hint, so that an index can be used. */
function commandOf({ planned: { query }, source, limit, ...time }: Readable): Document {
  const most = limit === undefined ? {} : { limit };
  if (query === undefined) return { ...scan(source, time), ...most };
  return { find: source, filter: parseExtendedJson(query), batchSize: wholeReply, ...readConcernOf(time), ...most };
}
