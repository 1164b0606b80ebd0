import type { MongoClient } from 'mongodb';
import { fromMongoError } from '../../errors/mongo-errors.ts';
import { bucketsOf, readCatalog, type CatalogEntry } from '../../mongo/catalog.ts';
import type { Census, CollectionCensus } from '../../mongo/census.ts';
import { createDigester, sameDigest } from '../../mongo/digest.ts';
import { isOwnCollection } from '../../mongo/own-collections.ts';
import { forEachDocument } from '../../mongo/raw-bson.ts';
import { readRaw, scan } from '../../mongo/raw-read.ts';
import { memoryPool } from '../../mongo/memory-pool.ts';
import { createSpill, type Spill } from './spill.ts';

/** A database at one moment of the rehearsal: counts, digests, structure, and every document. */
export interface State extends Disposable {
  readonly census: Census;
  /** By collection name. Absent: the disk of the runner has no room, so that documents cannot be named. */
  readonly contents: ReadonlyMap<string, Spill>;
  /** Bytes of the largest document, by collection name. */
  readonly largest: ReadonlyMap<string, number>;
}

export interface CaptureOptions {
  readonly client: MongoClient;
  readonly database: string;
  /** Collections that are not looked at: the history, which changes by our own hand. */
  readonly without: readonly string[];
  readonly signal: AbortSignal;
  /** What is known not to have changed since is taken over from it. */
  readonly since?: { readonly state: State; readonly touched: ReadonlySet<string> | undefined } | undefined;
  /** What is probably there again: documents that are the same are taken over from it, the others are kept by a second reading. */
  readonly expected?: State | undefined;
}

/** Reads what may have changed. Throws the errors of `fromMongoError`, and the signal's reason when it is aborted. */
export async function captureState(options: CaptureOptions): Promise<State> {
  const { client, database, without, signal, since } = options;
  const wanted = (name: string): boolean => !name.startsWith('system.') && !isOwnCollection(name) && !without.includes(name);
  const collections: CollectionCensus[] = [];
  const contents = new Map<string, Spill>();
  const largest = new Map<string, number>();
  const own: Spill[] = [];
  try {
    for (const entry of await readCatalog(client, database, { wanted, signal })) {
      const known = unchanged(entry, since);
      const again = known ?? (await readAgain(options, entry));
      const read = again ?? (await readCollection(options, entry, createSpill()));
      if (again === undefined && read.spill !== undefined) own.push(read.spill);
      largest.set(entry.name, read.largest);
      if (read.spill !== undefined) contents.set(entry.name, read.spill);
      collections.push({ ...entry, indexes: [...entry.indexes].sort(), ...read.counted });
    }
  } catch (error) {
    for (const spill of own) spill[Symbol.dispose]();
    throw error;
  }
  const census = { database, takenAt: new Date().toISOString(), collections };
  return { census, contents, largest, [Symbol.dispose]: () => own.forEach((spill) => spill[Symbol.dispose]()) };
}

interface Read {
  readonly counted: Pick<CollectionCensus, 'documents' | 'digest'>;
  readonly spill: Spill | undefined;
  readonly largest: number;
}

/** The same collection, by name and UUID, to which nothing was written. */
function unchanged({ name, uuid, type }: CatalogEntry, since: CaptureOptions['since']): Read | undefined {
  const before = since?.state.census.collections.find((collection) => collection.name === name);
  if (type === 'view' || before === undefined || before.uuid !== uuid || since?.touched?.has(name) !== false) return undefined;
  const { documents, digest } = before;
  return {
    counted: { documents, ...(digest === undefined ? {} : { digest }) },
    spill: since.state.contents.get(name),
    largest: since.state.largest.get(name) ?? 0,
  };
}

/** What is expected, when the documents are those. */
async function readAgain(options: CaptureOptions, entry: CatalogEntry): Promise<Read | undefined> {
  const { expected } = options;
  const before = expected?.census.collections.find(({ name, type }) => name === entry.name && type === entry.type);
  const spill = expected?.contents.get(entry.name);
  if (before?.digest === undefined || spill === undefined) return undefined;
  const read = await readCollection(options, entry, undefined);
  return read.counted.digest !== undefined && sameDigest(read.counted.digest, before.digest) ? { ...read, spill } : undefined;
}

/** Counts, and keeps the documents in `room`. */
async function readCollection(
  { client, database, signal }: CaptureOptions,
  { name, type }: CatalogEntry,
  room: Spill | undefined,
): Promise<Read> {
  if (type === 'view') return { counted: { documents: 0 }, spill: undefined, largest: 0 };
  const collection = type === 'timeseries' ? bucketsOf(name) : name;
  const digester = createDigester();
  let spill = room;
  let largest = 0;
  try {
    for await (const batch of readRaw({ client, database, collection, command: scan(collection), signal })) {
      const { bytes } = digester.addArray(batch);
      spill = append(spill, bytes);
      forEachDocument(bytes, (start, end) => (largest = Math.max(largest, end - start)));
      memoryPool.leaseOf(batch)?.end();
    }
  } catch (error) {
    spill?.[Symbol.dispose]();
    signal.throwIfAborted();
    throw fromMongoError(error, `Reading ${database}.${name}`);
  }
  const digest = digester.digest();
  return { counted: { documents: digest.documents, digest }, spill, largest };
}

/** Gives up what was written when the disk is full: the digest goes on without it. */
function append(spill: Spill | undefined, bytes: Buffer): Spill | undefined {
  try {
    spill?.append(bytes);
    return spill;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    spill?.[Symbol.dispose]();
    return undefined;
  }
}
