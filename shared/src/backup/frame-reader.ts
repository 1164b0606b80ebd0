import { GuardError } from '../errors/guard-error.ts';
import { createDigester, type Digest } from '../mongo/digest.ts';
import { memoryPool } from '../mongo/memory-pool.ts';
import { InvalidBson } from '../mongo/raw-bson.ts';
import type { Compression } from './codec.ts';
import { decodingRoom, decompressFrame } from './codec.ts';
import { readFrameTable, type Frame } from './frame-table.ts';
import { hashOf, type ManifestCollection } from './manifest.ts';
import type { BackupStore } from './store.ts';

/** Where the documents of one collection are. */
export interface FrameSource {
  readonly store: BackupStore;
  readonly id: string;
  readonly compression: Compression;
  readonly data: NonNullable<ManifestCollection['data']>;
  readonly signal?: AbortSignal | undefined;
}

/** The documents of a frame, one after another. */
export interface DecodedFrame {
  readonly bytes: Buffer;
  readonly documents: number;
}

/** A frame that is what its table says. Its bytes may lie in the memory pool: whoever needs them no more may end the lease. */
export interface ProvenFrame extends DecodedFrame {
  readonly digest: Digest;
}

/** Frames that are read and decoded ahead of the one that is handed out. */
const ahead = 2;

/**
 * The frames of a collection in their order, each proven by its SHA-256, length and number of documents. Throws `backup/incomplete` when
 * files or frames are missing, `backup/checksum-mismatch` when bytes differ, `backup/content-mismatch` when they are not what the table says.
 */
export async function* readFrames(source: FrameSource): AsyncGenerator<ProvenFrame, void, undefined> {
  const { frames } = await readFrameTable(source.store, source.id, source.data);
  checkTable(source, frames);
  const waiting: Promise<ProvenFrame>[] = [];
  const queue = frames.values();
  const start = (): void => {
    const { value: frame } = queue.next();
    if (frame === undefined) return;
    const decoding = decode(source, frame);
    // Awaited in its turn; until then a failure must not count as unhandled.
    decoding.catch(() => undefined);
    waiting.push(decoding);
  };
  for (let index = 0; index < ahead; index++) start();
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    source.signal?.throwIfAborted();
    const frame = await next;
    start();
    yield frame;
  }
}

/** The table must describe the file without gaps, in the length that the manifest knows. */
function checkTable({ id, data }: FrameSource, frames: readonly Frame[]): void {
  let end = 0;
  for (const { offset, stored } of frames) {
    if (offset !== end) throw new GuardError('backup/checksum-mismatch', `The frame table of ${id}/${data.path} has a gap at byte ${end}.`);
    end += stored;
  }
  if (end === (data.content ?? data.bytes) && frames.length === data.frames) return;
  throw new GuardError('backup/checksum-mismatch', `The frame table of ${id}/${data.path} does not fit the manifest.`);
}

async function decode({ store, id, compression, data }: FrameSource, frame: Frame): Promise<ProvenFrame> {
  const path = `${id}/${data.path}`;
  const where = `${path}, frame at byte ${frame.offset}`;
  const stored = await store.read(path, { offset: frame.offset, bytes: frame.stored });
  if (stored === undefined) throw new GuardError('backup/incomplete', `The file ${path} is missing.`);
  if (stored.length !== frame.stored)
    throw new GuardError('backup/incomplete', `The file ${path} is cut off at byte ${frame.offset + stored.length}.`);
  if (hashOf(stored) !== frame.sha256) throw new GuardError('backup/checksum-mismatch', `The bytes of ${where} were changed or damaged.`);
  const output = compression === 'none' ? undefined : memoryPool.take(decodingRoom(frame.plain));
  const bytes = await decompressFrame(compression, stored, { plainBytes: frame.plain, output }).catch((error: unknown) => {
    throw new GuardError('backup/content-mismatch', `The content of ${where} cannot be decompressed.`, { cause: error });
  });
  if (bytes !== stored) memoryPool.leaseOf(stored)?.end();
  const digest = digestOf(bytes, where);
  if (bytes.length === frame.plain && digest.documents === frame.documents) return { bytes, documents: digest.documents, digest };
  throw new GuardError('backup/content-mismatch', `The content of ${where} is not what the frame table says.`);
}

function digestOf(bytes: Buffer, where: string): Digest {
  const digester = createDigester();
  try {
    digester.add(bytes);
  } catch (error) {
    if (!(error instanceof InvalidBson)) throw error;
    throw new GuardError('backup/content-mismatch', `The content of ${where} is not BSON: ${error.message}.`, { cause: error });
  }
  return digester.digest();
}
