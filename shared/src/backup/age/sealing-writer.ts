import { createHash, randomBytes } from 'node:crypto';
import type { StoreWriter } from '../store.ts';
import { makeHeader, payloadKey } from './header.ts';
import type { Recipient } from './keys.ts';
import { chunkBytes, nonceBytes, sealChunk } from './payload.ts';

/** What lies in the store, once it is complete. */
export interface Stored {
  readonly bytes: number;
  readonly sha256: string;
}

export interface SealingWriter extends StoreWriter {
  /** Right after `close`. */
  stored(): Stored;
}

/** A writer that encrypts on the way, so that stock `age -d` opens the file. */
export function sealingWriter(writer: StoreWriter, recipients: readonly Recipient[]): SealingWriter {
  const sealer = new Sealer(recipients);
  const hash = createHash('sha256');
  let bytes = 0;
  let sha256 = '';
  const forward = async (sealed: Buffer): Promise<void> => {
    hash.update(sealed);
    bytes += sealed.length;
    await writer.write(sealed);
  };
  return {
    write: (plain) => forward(sealer.update(plain)),
    async close() {
      await forward(sealer.final());
      sha256 = hash.digest('hex');
      await writer.close();
    },
    abort: () => writer.abort(),
    stored: () => ({ bytes, sha256 }),
  };
}

/** A small file, encrypted as a whole. */
export function sealWhole(plain: Buffer, recipients: readonly Recipient[]): Buffer {
  const sealer = new Sealer(recipients);
  return Buffer.concat([sealer.update(plain), sealer.final()]);
}

/** Encrypts in chunks; the last one is held back, because it is marked. */
class Sealer {
  readonly #key: Buffer;
  #waiting: Buffer[];
  #held = Buffer.alloc(0);
  #index = 0;

  constructor(recipients: readonly Recipient[]) {
    const header = makeHeader(recipients);
    const nonce = randomBytes(nonceBytes);
    this.#key = payloadKey(header.fileKey, nonce);
    this.#waiting = [header.bytes, nonce];
  }

  update(plain: Buffer): Buffer {
    const all = this.#held.length === 0 ? plain : Buffer.concat([this.#held, plain]);
    const sealed = this.#waiting;
    this.#waiting = [];
    let start = 0;
    for (; all.length - start > chunkBytes; start += chunkBytes)
      sealed.push(sealChunk(this.#key, { index: this.#index++, plain: all.subarray(start, start + chunkBytes), last: false }));
    // A copy: the caller may use its buffer again.
    this.#held = Buffer.from(all.subarray(start));
    return Buffer.concat(sealed);
  }

  final(): Buffer {
    return Buffer.concat([...this.#waiting, sealChunk(this.#key, { index: this.#index, plain: this.#held, last: true })]);
  }
}
