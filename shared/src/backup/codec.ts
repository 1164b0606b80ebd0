import { constants, createGunzip, createGzip, createZstdCompress, createZstdDecompress } from 'node:zlib';
import { runCodec } from './codec-run.ts';
import type { Reach } from './reach.ts';

export const compressions = ['zstd', 'gzip', 'none'] as const;
/** How frames are stored: zstd level 3 (smallest for its speed), gzip level 6 (stock mongorestore reads it), or as they are. */
export type Compression = (typeof compressions)[number];

/** What is appended to the name of a compressed file. */
export const extensions: Readonly<Record<Compression, string>> = { zstd: '.zst', gzip: '.gz', none: '' };

/** What Node appends to a frame that was finished before its engine was. */
const emptyFrame = Buffer.from('28b52ffd240001000099e9d851', 'hex');
const zstdParams = { [constants.ZSTD_c_compressionLevel]: 3, [constants.ZSTD_c_checksumFlag]: 1 };
const reachParams: Readonly<Record<Reach, Readonly<Record<number, number>>>> = {
  near: { [constants.ZSTD_c_windowLog]: 18, [constants.ZSTD_c_hashLog]: 15, [constants.ZSTD_c_chainLog]: 14 },
  far: { [constants.ZSTD_c_windowLog]: 24 },
};

/** The longest that a frame of so many bytes can become. */
export function longestFrame(plainBytes: number): number {
  return plainBytes + (plainBytes >> 7) + 1024;
}

export interface CompressOptions {
  /** Memory for the frame, which should hold `longestFrame`. */
  readonly output?: Buffer | undefined;
  /** Default: far. */
  readonly reach?: Reach | undefined;
}

/**
 * One complete frame (a zstd frame with its checksum, or a gzip member). It is made in the thread pool, so frames use all cores. Without a codec
 * the frame is `plain` itself.
 */
export async function compressFrame(
  compression: Compression,
  plain: Buffer,
  { output, reach = 'far' }: CompressOptions = {},
): Promise<Buffer> {
  if (compression === 'none') return plain;
  const run = { input: plain, expected: longestFrame(plain.length), output };
  if (compression === 'gzip') return joined(await runCodec({ ...run, engine: (chunkSize) => createGzip({ chunkSize, level: 6 }) }));
  // Never ZSTD_c_nbWorkers: Node then cuts the output short without an error (nodejs/node#59899). All of the input is the end of the frame: then
  // zstd knows its length, and reads and writes in place.
  const flush = constants.ZSTD_e_end;
  const params = { ...zstdParams, ...reachParams[reach] };
  const pieces = await runCodec({ ...run, engine: (chunkSize) => createZstdCompress({ chunkSize, flush, params }) });
  return joined(pieces.length > 1 && pieces.at(-1)?.equals(emptyFrame) === true ? pieces.slice(0, -1) : pieces);
}

/** Length of the memory that a frame of so many plain bytes is decoded into. */
export function decodingRoom(plainBytes: number): number {
  // A buffer that is full makes the engine ask for another.
  return Math.max(plainBytes + 64, 1024);
}

/**
 * The content of one frame, in `output` if it has the `decodingRoom`. Node decodes only the first of several zstd frames and says
 * nothing, so frames are always taken one by one. Throws whatever zlib throws, and when the content is longer than `plainBytes`; the caller
 * compares length and digest.
 */
export async function decompressFrame(
  compression: Compression,
  stored: Buffer,
  { plainBytes, output }: { readonly plainBytes: number; readonly output?: Buffer | undefined },
): Promise<Buffer> {
  if (compression === 'none') return stored;
  const run = { input: stored, expected: decodingRoom(plainBytes), longest: plainBytes, output };
  const create = compression === 'zstd' ? createZstdDecompress : createGunzip;
  return joined(await runCodec({ ...run, engine: (chunkSize) => create({ chunkSize }) }));
}

function joined(pieces: readonly Buffer[]): Buffer {
  return pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces);
}
