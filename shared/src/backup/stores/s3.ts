import {
  AbortMultipartUploadCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  paginateListObjectsV2,
  PutObjectCommand,
  type HeadObjectCommandOutput,
  type ListMultipartUploadsCommandOutput,
  type MultipartUpload,
  type S3Client,
} from '@aws-sdk/client-s3';
import { GuardError } from '../../errors/guard-error.ts';
import type { Log } from '../../log/log.ts';
import type { BackupStore, ByteRange, Lock, PutOptions, StoredFile } from '../store.ts';
import { s3Client } from './s3-client.ts';
import { fromS3Error, httpStatus, isAbsent } from './s3-errors.ts';
import type { S3Settings, StoreAccess } from './s3-settings.ts';
import { openUpload, PartChecksums, partSize, requireSame, type Sent } from './s3-upload.ts';

/** Most keys that one request can delete. */
const keysPerDelete = 1_000;
/** How often a read is begun that breaks off in the middle; requests that fail at once are tried again by the SDK. */
const readAttempts = 3;

/**
 * A bucket, or what stands under a prefix in it, as a store: `s3://bucket/prefix`. Data go straight from memory to the server. Throws
 * `input/invalid` for a location of another form.
 */
export function s3Store(location: string, access: StoreAccess): BackupStore {
  const { bucket, prefix } = parseLocation(location);
  const settings = access.s3 ?? {};
  const client = s3Client({ settings, env: access.env, idToken: access.idToken });
  const place: Place = {
    client,
    bucket,
    settings,
    log: access.log,
    signal: access.signal,
    kept: keeping(settings, access.now?.() ?? new Date()),
    keyOf: (path) => keyInside(prefix, path),
    pathOf: (key) => key.slice(prefix.length),
  };
  return {
    location: `s3://${bucket}/${prefix}`.replace(/\/$/, ''),
    locate: (path) => `s3://${bucket}/${place.keyOf(path)}`,
    freeBytes: async () => undefined,
    openWriter: async (path, expectedBytes) => writerFor(place, path, expectedBytes),
    put: (path, content, options) => attempt(`Writing ${path}`, () => put(place, path, { content, ...options })),
    // What the server confirmed is safe with it.
    secure: async () => undefined,
    read: (path, range) => attempt(`Reading ${path}`, () => read(place, path, range)),
    folders: () => attempt(`Listing the backups in the bucket ${bucket}`, () => folders(place, prefix)),
    files: (folder) => attempt(`Listing ${folder}`, () => files(place, `${place.keyOf(folder)}/`)),
    remove: (path) => attempt(`Removing ${path}`, () => remove(place, path)),
    removeStranded: (before) =>
      attempt(`Looking for stranded uploads in the bucket ${bucket}`, () => removeStranded(place, prefix, before)),
    lockOf: (folder) => attempt(`Asking for the lock of ${folder}`, () => lockOf(place, folder)),
  };
}

interface Place {
  readonly client: S3Client;
  readonly bucket: string;
  readonly settings: S3Settings;
  readonly log: Log;
  readonly signal: AbortSignal | undefined;
  /** Encryption and lock of everything that is written. */
  readonly kept: ReturnType<typeof keeping>;
  readonly keyOf: (path: string) => string;
  readonly pathOf: (key: string) => string;
}

function parseLocation(location: string): { readonly bucket: string; readonly prefix: string } {
  const [, bucket, rest = ''] = /^s3:\/\/([a-z0-9][a-z0-9._-]{1,61}[a-z0-9])(?:\/(.*))?$/s.exec(location) ?? [];
  if (bucket === undefined) throw new GuardError('input/invalid', 'store: expected s3://bucket or s3://bucket/prefix.');
  const prefix = rest
    .split('/')
    .filter((part) => part !== '')
    .join('/');
  return { bucket, prefix: prefix === '' ? '' : `${prefix}/` };
}

/** A path from a damaged or forged manifest cannot lead out of the store: some servers keep objects as files. */
function keyInside(prefix: string, path: string): string {
  if (path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')) return `${prefix}${path}`;
  throw new GuardError('backup/incomplete', `The path ${JSON.stringify(path)} leads out of the store.`);
}

function keeping({ encryption, kmsKey, objectLock }: S3Settings, now: Date) {
  return {
    ...(encryption === undefined ? {} : { ServerSideEncryption: encryption }),
    ...(kmsKey === undefined ? {} : { SSEKMSKeyId: kmsKey }),
    ...(objectLock === undefined
      ? {}
      : {
          ObjectLockMode: objectLock.mode === 'governance' ? ('GOVERNANCE' as const) : ('COMPLIANCE' as const),
          ObjectLockRetainUntilDate: new Date(now.getTime() + objectLock.milliseconds),
        }),
  };
}

async function attempt<T>(doing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw fromS3Error(error, doing);
  }
}

function writerFor(place: Place, path: string, expectedBytes: number | undefined): ReturnType<typeof openUpload> {
  const { client, bucket, kept, keyOf, signal } = place;
  const params = { Bucket: bucket, Key: keyOf(path), ...kept };
  return openUpload({ client, params, partBytes: partSize(expectedBytes), name: path, signal, prove: (sent) => prove(place, path, sent) });
}

/** Compares what the server holds with what was sent, and whether it is encrypted when that was asked for. */
async function prove({ client, bucket, keyOf, settings }: Place, path: string, sent: Sent): Promise<void> {
  const head: Partial<HeadObjectCommandOutput> = await client
    .send(new HeadObjectCommand({ Bucket: bucket, Key: keyOf(path), ChecksumMode: 'ENABLED' }))
    .catch((error: unknown) => {
      if (httpStatus(error) === 404) return {};
      throw error;
    });
  requireSame(sent, { bytes: head.ContentLength, crc32: head.ChecksumCRC32 }, path);
  if (settings.encryption !== undefined && head.ServerSideEncryption !== settings.encryption)
    throw new GuardError('store/not-encrypted', `The server took ${path} and the wish for ${settings.encryption}, but did not encrypt.`);
}

interface Content extends PutOptions {
  readonly content: string | Buffer;
}

async function put(place: Place, path: string, { content, onlyNew = false }: Content): Promise<void> {
  const { client, bucket, keyOf, kept } = place;
  const body = Buffer.from(content);
  const request = { Bucket: bucket, Key: keyOf(path), Body: body, ...kept };
  const checksums = new PartChecksums(Math.max(body.length, 1));
  checksums.add(body);
  try {
    await client.send(new PutObjectCommand({ ...request, ...(onlyNew ? { IfNoneMatch: '*' } : {}) }));
  } catch (error) {
    if (!onlyNew) throw error;
    if (httpStatus(error) === 501) await client.send(new PutObjectCommand(request));
    // The answer to the first try may have been lost and the SDK may have tried again: then the object is ours.
    else if (httpStatus(error) !== 412 || (await read(place, path))?.equals(body) !== true) throw error;
  }
  await prove(place, path, checksums.finish());
}

async function read({ client, bucket, keyOf }: Place, path: string, range?: ByteRange): Promise<Buffer | undefined> {
  const wanted = range === undefined ? {} : { Range: `bytes=${range.offset}-${range.offset + Math.max(range.bytes, 1) - 1}` };
  for (let number = 1; ; number++) {
    try {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: keyOf(path), ...wanted }));
      const bytes = Buffer.from((await Body?.transformToByteArray()) ?? []);
      return range === undefined ? bytes : bytes.subarray(0, range.bytes);
    } catch (error) {
      if (isAbsent(error)) return undefined;
      // The range begins behind the end.
      if (httpStatus(error) === 416) return Buffer.alloc(0);
      if (httpStatus(error) !== undefined || number === readAttempts) throw error;
    }
  }
}

async function folders({ client, bucket, pathOf }: Place, prefix: string): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const page of paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: prefix, Delimiter: '/' }))
    for (const { Prefix } of page.CommonPrefixes ?? []) if (Prefix !== undefined) found.push(pathOf(Prefix).replace(/\/$/, ''));
  return found.sort();
}

async function files({ client, bucket, pathOf }: Place, prefix: string): Promise<readonly StoredFile[]> {
  const found: StoredFile[] = [];
  for await (const page of paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: prefix }))
    for (const { Key, Size } of page.Contents ?? []) if (Key?.endsWith('/') === false) found.push({ path: pathOf(Key), bytes: Size ?? 0 });
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function remove(place: Place, path: string): Promise<void> {
  const { client, bucket, keyOf } = place;
  const inside = await files(place, `${keyOf(path)}/`);
  const keys = inside.length === 0 ? [keyOf(path)] : inside.map((file) => keyOf(file.path));
  for (let start = 0; start < keys.length; start += keysPerDelete) {
    const Objects = keys.slice(start, start + keysPerDelete).map((Key) => ({ Key }));
    const { Errors } = await client.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } }));
    const failed = Errors?.find(({ Code }) => Code !== 'NoSuchKey');
    if (failed !== undefined) throw fromS3Error({ name: failed.Code, message: failed.Message }, `Removing ${path}`);
  }
}

/** Aborts multipart uploads that were begun under the prefix before `before`: their parts cost money, and nobody sees them. */
async function removeStranded(place: Place, prefix: string, before: Date): Promise<number> {
  const { client, bucket, log } = place;
  let stranded: readonly MultipartUpload[];
  try {
    stranded = (await uploadsUnder(place, prefix)).filter(({ Initiated }) => Initiated !== undefined && Initiated < before);
  } catch (error) {
    // Whoever may write need not be allowed to list, and some servers cannot.
    if ((error as Error).name !== 'AccessDenied' && httpStatus(error) !== 501) throw error;
    log.debug(`Uploads of killed runs cannot be listed in ${bucket}: a lifecycle rule (AbortIncompleteMultipartUpload) clears them away.`);
    return 0;
  }
  for (const { Key, UploadId } of stranded) await client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId }));
  return stranded.length;
}

async function uploadsUnder({ client, bucket }: Place, prefix: string): Promise<readonly MultipartUpload[]> {
  const found: MultipartUpload[] = [];
  let from: { KeyMarker?: string | undefined; UploadIdMarker?: string | undefined } | undefined = {};
  while (from !== undefined) {
    const page: ListMultipartUploadsCommandOutput = await client.send(
      new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix, ...from }),
    );
    found.push(...(page.Uploads ?? []));
    from = page.IsTruncated === true ? { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker } : undefined;
  }
  return found;
}

/**
 * What keeps a folder: the lock of its first file, as all files of a backup are written with the same one, or one that somebody has set by
 * hand on a file at its top, such as the manifest.
 */
async function lockOf(place: Place, folder: string): Promise<Lock | undefined> {
  const inside = await files(place, `${place.keyOf(folder)}/`);
  const asked = inside.filter(({ path }, index) => index === 0 || path.lastIndexOf('/') === folder.length);
  const locks = await Promise.all(asked.map(({ path }) => lockOfFile(place, path)));
  const found = locks.filter((lock) => lock !== undefined);
  return found.find(({ until }) => until === undefined) ?? found.toSorted((a, b) => Number(b.until) - Number(a.until))[0];
}

async function lockOfFile({ client, bucket, keyOf }: Place, path: string): Promise<Lock | undefined> {
  const head = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: keyOf(path) }));
  if (head.ObjectLockLegalHoldStatus === 'ON') return { until: undefined };
  const until = head.ObjectLockRetainUntilDate;
  return until === undefined || until < new Date() ? undefined : { until };
}
