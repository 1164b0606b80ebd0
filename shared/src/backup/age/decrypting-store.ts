import { GuardError } from '../../errors/guard-error.ts';
import { memoryPool } from '../../mongo/memory-pool.ts';
import type { BackupStore, ByteRange } from '../store.ts';
import { HeaderProblem, openHeader, payloadKey, type Header } from './header.ts';
import type { Identity } from './keys.ts';
import { chunkBytes, nonceBytes, openChunk, sealedChunkBytes, type OpenedChunk } from './payload.ts';

/** What encrypted files end in. */
export const encryptedSuffix = '.age';
/** Longest header that is read: about a hundred recipients. */
const longestHeader = 16_384;

/** Where the chunks of a file begin, and their key. */
interface Opened {
  readonly key: Buffer;
  readonly start: number;
}

/**
 * A store that decrypts what it reads from files that end in `.age`; ranges are those of the content. Without identities, reading one throws
 * `backup/key-missing`; with others than the file is for `backup/key-wrong`; changed bytes are `backup/checksum-mismatch`.
 */
export function decryptingStore(raw: BackupStore, identities: readonly Identity[]): BackupStore {
  const opened = new Map<string, Promise<Opened | undefined>>();
  const open = (path: string): Promise<Opened | undefined> => {
    const known = opened.get(path);
    if (known !== undefined) return known;
    const opening = openFile(raw, path, identities);
    opened.set(path, opening);
    return opening;
  };
  return {
    ...raw,
    raw,
    decrypts: identities.length > 0,
    async read(path, range) {
      if (!path.endsWith(encryptedSuffix)) return raw.read(path, range);
      if (identities.length === 0) throw new GuardError('backup/key-missing', `The file ${path} is encrypted.`);
      const file = await open(path);
      if (file === undefined) return undefined;
      return range === undefined ? readWhole(raw, path, file) : readRange(raw, path, { ...file, range });
    },
  };
}

async function openFile(raw: BackupStore, path: string, identities: readonly Identity[]): Promise<Opened | undefined> {
  const beginning = await raw.read(path, { offset: 0, bytes: longestHeader });
  if (beginning === undefined) return undefined;
  const header = openHeaderOf(path, beginning, identities);
  const nonce = beginning.subarray(header.bytes.length, header.bytes.length + nonceBytes);
  if (nonce.length < nonceBytes) throw new GuardError('backup/incomplete', `The file ${path} is cut off behind its header.`);
  return { key: payloadKey(header.fileKey, nonce), start: header.bytes.length + nonceBytes };
}

function openHeaderOf(path: string, beginning: Buffer, identities: readonly Identity[]): Header {
  try {
    return openHeader(beginning, identities);
  } catch (error) {
    if (!(error instanceof HeaderProblem)) throw error;
    const code = error.kind === 'wrong-key' ? 'backup/key-wrong' : 'backup/checksum-mismatch';
    throw new GuardError(code, `The file ${path} cannot be decrypted: ${error.message}.`, { cause: error });
  }
}

/** All chunks up to the one that is marked as the last. */
async function readWhole(raw: BackupStore, path: string, { key, start }: Opened): Promise<Buffer | undefined> {
  const file = await raw.read(path);
  if (file === undefined) return undefined;
  const { plain, ended } = openChunks(path, file.subarray(start), { key, first: 0 });
  if (ended) return plain;
  throw new GuardError('backup/incomplete', `The file ${path} is cut off: its last part is missing.`);
}

/** The chunks in which the range lies; less than the range when the file ends before it. */
async function readRange(
  raw: BackupStore,
  path: string,
  { key, start, range }: Opened & { readonly range: ByteRange },
): Promise<Buffer | undefined> {
  const first = Math.floor(range.offset / chunkBytes);
  const behind = Math.ceil((range.offset + range.bytes) / chunkBytes);
  const chunks = { offset: start + first * sealedChunkBytes, bytes: (behind - first) * sealedChunkBytes };
  const sealed = await raw.read(path, chunks);
  if (sealed === undefined) return undefined;
  const { plain } = openChunks(path, sealed, { key, first });
  memoryPool.leaseOf(sealed)?.end();
  const from = range.offset - first * chunkBytes;
  return plain.subarray(from, from + range.bytes);
}

interface ChunkRun {
  readonly key: Buffer;
  /** Number of the first chunk. */
  readonly first: number;
}

function openChunks(path: string, sealed: Buffer, { key, first }: ChunkRun): { readonly plain: Buffer; readonly ended: boolean } {
  const pieces: Buffer[] = [];
  let ended = false;
  for (let offset = 0; offset < sealed.length; offset += sealedChunkBytes) {
    const index = first + offset / sealedChunkBytes;
    const chunk: OpenedChunk | undefined = ended ? undefined : openChunk(key, index, sealed.subarray(offset, offset + sealedChunkBytes));
    if (chunk === undefined) {
      if (sealed.length - offset < sealedChunkBytes)
        throw new GuardError('backup/incomplete', `The file ${path} is cut off or damaged at its end.`);
      throw new GuardError('backup/checksum-mismatch', `The file ${path} was changed or damaged (part ${index}).`);
    }
    pieces.push(chunk.plain);
    ended = chunk.last;
  }
  return { plain: Buffer.concat(pieces), ended };
}
