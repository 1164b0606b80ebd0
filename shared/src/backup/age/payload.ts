import { openSealed, seal, tagBytes } from './aead.ts';

/** Plain bytes of every chunk but the last. */
export const chunkBytes = 65_536;
export const sealedChunkBytes: number = chunkBytes + tagBytes;
/** In front of the chunks; it makes the key of the payload new. */
export const nonceBytes = 16;

/** 11 bytes of counter and the mark of the last chunk. */
function chunkNonce(index: number, last: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeUIntBE(index, 5, 6);
  nonce[11] = last ? 1 : 0;
  return nonce;
}

interface Chunk {
  readonly index: number;
  readonly plain: Buffer;
  readonly last: boolean;
}

export function sealChunk(key: Buffer, { index, plain, last }: Chunk): Buffer {
  return seal(key, chunkNonce(index, last), plain);
}

export interface OpenedChunk {
  readonly plain: Buffer;
  readonly last: boolean;
}

/** The content of a chunk and whether it is the last one; `undefined` when it was changed or does not belong there. */
export function openChunk(key: Buffer, index: number, sealed: Buffer): OpenedChunk | undefined {
  for (const last of [false, true]) {
    const plain = openSealed(key, chunkNonce(index, last), sealed);
    // An empty last chunk is allowed in an empty file only.
    if (plain !== undefined) return last && plain.length === 0 && index > 0 ? undefined : { plain, last };
  }
  return undefined;
}
