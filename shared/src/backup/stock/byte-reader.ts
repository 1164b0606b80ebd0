import { open, type FileHandle } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { GuardError, toError } from '../../errors/guard-error.ts';
import { damaged, incomplete } from './dump-errors.ts';

/** Bytes that are read at a time. */
const chunkBytes = 2 ** 20;

/**
 * The content of a file of a dump, unpacked when it is gzip (mongodump gives a compressed oplog the name of a plain one, so the first bytes
 * decide). Throws `dump/damaged` and `dump/incomplete` for gzip that cannot be unpacked, `backup/store-failed` when the file cannot be read.
 */
export async function* readContent(file: string, signal?: AbortSignal): AsyncGenerator<Buffer, void, undefined> {
  let handle: FileHandle | undefined;
  let plain = 0;
  try {
    handle = await open(file);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, 0);
    const packed = bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
    const stored = handle.createReadStream({ start: 0, highWaterMark: chunkBytes, autoClose: false, ...(signal && { signal }) });
    // The reader of the result sees every failure: the pipeline destroys it with the error.
    const content = packed ? pipeline(stored, createGunzip({ chunkSize: chunkBytes }), () => undefined) : stored;
    for await (const chunk of content as AsyncIterable<Buffer>) {
      plain += chunk.length;
      yield chunk;
    }
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof GuardError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? toError(error).message;
    if (code === 'Z_BUF_ERROR') throw incomplete({ file, offset: plain }, 'the gzip stream is cut off', error);
    if (code.startsWith('Z_')) throw damaged({ file, offset: plain }, 'the gzip stream cannot be unpacked', error);
    throw new GuardError('backup/store-failed', `Reading ${file}: ${code}.`, { cause: error });
  } finally {
    await handle?.close();
  }
}

/** Bytes of a stream, taken piece by piece. At most one piece and one chunk are in memory. */
export class ByteReader {
  readonly #chunks: AsyncIterator<Buffer>;
  #held: Buffer = Buffer.alloc(0);
  #offset = 0;

  constructor(chunks: AsyncIterable<Buffer>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Where the next byte lies, counted in the unpacked content. */
  get offset(): number {
    return this.#offset;
  }

  /** What is in memory and not taken yet; it stays valid when more is read. */
  get held(): Buffer {
    return this.#held;
  }

  /** Reads on until `bytes` are held; false when the stream ends before. */
  async hold(bytes: number): Promise<boolean> {
    if (this.#held.length >= bytes) return true;
    const parts = [this.#held];
    let length = this.#held.length;
    let ended = false;
    while (length < bytes && !ended) {
      const { value, done } = await this.#chunks.next();
      ended = done === true;
      if (ended) break;
      parts.push(value as Buffer);
      length += (value as Buffer).length;
    }
    this.#held = Buffer.concat(parts, length);
    return !ended;
  }

  /** Takes the next `bytes`, which must be held. */
  take(bytes: number): Buffer {
    const taken = this.#held.subarray(0, bytes);
    this.#held = this.#held.subarray(bytes);
    this.#offset += bytes;
    return taken;
  }

  /** Ends the stream before its end. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }
}
