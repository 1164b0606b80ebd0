import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { crc32 } from 'node:zlib';
import {
  AbortMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
  type AbortMultipartUploadCommandInput,
  type PutObjectCommandInput,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { GuardError } from '../../errors/guard-error.ts';
import type { StoreWriter } from '../store.ts';
import { fromS3Error } from './s3-errors.ts';

const mebibyte = 2 ** 20;
/** S3 allows 10,000 parts; some are left for data that grew since they were counted. */
const plannedParts = 8_000;
/** Most parts, and most bytes of them, that are under way at once for each file. */
const atOnce = { parts: 2, bytes: 64 * mebibyte };
/** What waits in front of them, on either side of the pipe. */
const waitingBytes = 2 * mebibyte;

/** Whole MiB: 8 for files up to 62 GiB, more for larger ones, 16 when the size is not known. */
export function partSize(expectedBytes: number | undefined): number {
  if (expectedBytes === undefined || expectedBytes <= 0) return 16 * mebibyte;
  return Math.max(8, Math.ceil(expectedBytes / plannedParts / mebibyte)) * mebibyte;
}

/** Parts that are sent side by side. */
export function partsAtOnce(partBytes: number): number {
  return Math.max(1, Math.min(atOnce.parts, Math.floor(atOnce.bytes / partBytes)));
}

export interface UploadOptions {
  readonly client: S3Client;
  /** Bucket, key, encryption, lock. */
  readonly params: Omit<PutObjectCommandInput, 'Body'> & { readonly Bucket: string; readonly Key: string };
  readonly partBytes: number;
  /** How errors name the file. */
  readonly name: string;
  readonly signal?: AbortSignal | undefined;
  /** Called with what was sent when the server says that it is complete; throws when the server holds something else. */
  readonly prove: (sent: Sent) => Promise<void>;
}

/** What the server must hold. */
export interface Sent {
  readonly bytes: number;
  /** As S3 writes it: the CRC-32 of a small object, or that of the CRC-32s of all parts with their number. */
  readonly crc32: string;
}

/**
 * A writer that sends what it gets while it gets it: a single request for a file of one part, else a multipart upload, two parts at once.
 * Nothing is readable before `close`. `abort` and the signal stop requests under way and leave no parts behind.
 */
export function openUpload(options: UploadOptions): StoreWriter {
  const { params, partBytes, name, signal } = options;
  const body = new PassThrough({ highWaterMark: waitingBytes });
  // A pipe that is destroyed says so to whoever reads it; nobody else listens.
  body.on('error', () => undefined);
  const giveUp = new AbortController();
  let uploadId: Promise<string | undefined> = Promise.resolve(undefined);
  const client = stoppable(options.client, giveUp, (created) => {
    uploadId = created;
  });
  const upload = new Upload({ client, params: { ...params, Body: body }, partSize: partBytes, queueSize: partsAtOnce(partBytes) });
  const parts = new PartChecksums(partBytes);
  const done = upload.done();
  done.catch(() => undefined);
  giveUp.signal.addEventListener('abort', () => body.destroy(new Error('The upload was given up.')));
  const cancel = (): void => giveUp.abort(signal?.reason);
  signal?.addEventListener('abort', cancel);
  const failing = (error: unknown): Error =>
    signal?.aborted === true ? (signal.reason as Error) : fromS3Error(giveUp.signal.reason ?? error, `Writing ${name}`);
  return {
    async write(bytes) {
      parts.add(bytes);
      try {
        giveUp.signal.throwIfAborted();
        // A copy: the caller may use the buffer again before its part is sent.
        if (!body.write(Buffer.from(bytes))) await Promise.race([once(body, 'drain'), done]);
      } catch (error) {
        throw failing(error);
      }
    },
    async close() {
      try {
        body.end();
        await done;
        await options.prove(parts.finish());
      } catch (error) {
        throw failing(error);
      } finally {
        signal?.removeEventListener('abort', cancel);
      }
    },
    async abort() {
      signal?.removeEventListener('abort', cancel);
      giveUp.abort();
      // Lib-storage ends with an error, or it was complete already.
      const completed = await done.then(
        () => true,
        () => false,
      );
      const place = { Bucket: params.Bucket, Key: params.Key };
      if (completed) await options.client.send(new DeleteObjectCommand(place)).catch(() => undefined);
      else await removeParts(options.client, { ...place, UploadId: await uploadId });
    },
  };
}

const mostAborts = 5;

/**
 * Lib-storage does not wait for an upload that is only being begun, and a part that is on its way can reach the server after the end. So it is
 * ended until the server does not know it any more. What remains nevertheless, `removeStranded` finds.
 */
async function removeParts(client: S3Client, upload: AbortMultipartUploadCommandInput): Promise<void> {
  if (upload.UploadId === undefined) return;
  for (let attempt = 0; attempt < mostAborts; attempt++) {
    const refused = await client.send(new AbortMultipartUploadCommand(upload)).then(
      () => false,
      () => true,
    );
    if (refused) return;
  }
}

/**
 * The client as an upload sees it: data are not sent on after `giveUp`, and the first part that fails gives up all the others. `onBegin` hears of
 * the id that a multipart upload will have.
 */
function stoppable(client: S3Client, giveUp: AbortController, onBegin: (uploadId: Promise<string | undefined>) => void): S3Client {
  const send: S3Client['send'] = async (command: unknown) => {
    if (command instanceof CreateMultipartUploadCommand) {
      const creating = client.send(command);
      onBegin(
        creating.then(
          ({ UploadId }) => UploadId,
          () => undefined,
        ),
      );
      return creating;
    }
    const sending = command as PutObjectCommand;
    if (!(command instanceof PutObjectCommand || command instanceof UploadPartCommand)) return client.send(sending);
    return client.send(sending, { abortSignal: giveUp.signal }).catch((error: unknown) => {
      giveUp.abort(error);
      throw error;
    });
  };
  return Object.create(client, { send: { value: send } }) as S3Client;
}

/** CRC-32 of every part, and of all of them together as S3 composes them. */
export class PartChecksums {
  readonly #partBytes: number;
  readonly #parts: number[] = [];
  #current = 0;
  #inPart = 0;
  #bytes = 0;

  constructor(partBytes: number) {
    this.#partBytes = partBytes;
  }

  add(bytes: Buffer): void {
    let rest = bytes;
    this.#bytes += bytes.length;
    while (rest.length > 0) {
      if (this.#inPart === this.#partBytes) this.#nextPart();
      const piece = rest.subarray(0, this.#partBytes - this.#inPart);
      this.#current = crc32(piece, this.#current);
      this.#inPart += piece.length;
      rest = rest.subarray(piece.length);
    }
  }

  finish(): Sent {
    this.#nextPart();
    const sums = Buffer.alloc(4 * this.#parts.length);
    for (const [index, sum] of this.#parts.entries()) sums.writeUInt32BE(sum, 4 * index);
    if (this.#parts.length === 1) return { bytes: this.#bytes, crc32: sums.toString('base64') };
    const composed = Buffer.alloc(4);
    composed.writeUInt32BE(crc32(sums));
    return { bytes: this.#bytes, crc32: `${composed.toString('base64')}-${this.#parts.length}` };
  }

  #nextPart(): void {
    this.#parts.push(this.#current);
    this.#current = 0;
    this.#inPart = 0;
  }
}

/** Throws `backup/store-failed` when the server holds other bytes than were sent. `crc32` is compared only where the server tells it. */
export function requireSame(
  sent: Sent,
  found: { readonly bytes: number | undefined; readonly crc32: string | undefined },
  name: string,
): void {
  if (found.bytes !== sent.bytes)
    throw new GuardError(
      'backup/store-failed',
      `Writing ${name}: the server holds ${found.bytes ?? 'no'} bytes of ${sent.bytes} that it took.`,
    );
  if (found.crc32 !== undefined && found.crc32 !== sent.crc32)
    throw new GuardError('backup/store-failed', `Writing ${name}: the server holds other bytes than it took.`);
}
