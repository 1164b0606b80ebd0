import { promisify } from 'node:util';
import { constants, gunzip, gzip, zstdCompress, zstdDecompress } from 'node:zlib';

export const compressions = ['zstd', 'gzip', 'none'] as const;
/** How frames are stored: zstd level 3 (smallest for its speed), gzip level 6 (stock mongorestore reads it), or as they are. */
export type Compression = (typeof compressions)[number];

/** What is appended to the name of a compressed file. */
export const extensions: Readonly<Record<Compression, string>> = { zstd: '.zst', gzip: '.gz', none: '' };

const zstd = promisify(zstdCompress);
const unzstd = promisify(zstdDecompress);
const gz = promisify(gzip);
const ungz = promisify(gunzip);

/** One complete frame (a zstd frame with its checksum, or a gzip member). It is made in the thread pool, so frames use all cores. */
export function compressFrame(compression: Compression, plain: Buffer): Promise<Buffer> {
  // Room for the worst case, of which only what is written becomes memory: zstd then reads and writes in place, without buffers of its own.
  const chunkSize = plain.length + (plain.length >> 8) + 1024;
  // Never ZSTD_c_nbWorkers: Node then cuts the output short without an error (nodejs/node#59899).
  const params = { [constants.ZSTD_c_compressionLevel]: 3, [constants.ZSTD_c_checksumFlag]: 1 };
  if (compression === 'zstd') return zstd(plain, { chunkSize, params });
  return compression === 'gzip' ? gz(plain, { chunkSize, level: 6 }) : Promise.resolve(plain);
}

/**
 * The content of one frame. Node decodes only the first of several zstd frames and says nothing, so frames are always taken one by one.
 * Throws whatever zlib throws, and when the content is longer than `plainBytes`; the caller compares length and digest.
 */
export function decompressFrame(compression: Compression, stored: Buffer, plainBytes: number): Promise<Buffer> {
  const limits = { chunkSize: Math.max(plainBytes + 64, 1024), maxOutputLength: Math.max(plainBytes, 1) };
  if (compression === 'zstd') return unzstd(stored, limits);
  return compression === 'gzip' ? ungz(stored, limits) : Promise.resolve(stored);
}
