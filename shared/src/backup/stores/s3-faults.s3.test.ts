import { ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { truncateSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { silentLog } from '../../log/log.ts';
import { takeCensus } from '../../mongo/census.ts';
import { compareCensus } from '../../checks/compare-census.ts';
import type { Connection } from '../../mongo/connect.ts';
import { fillEveryKind } from '../../testing/every-kind.ts';
import { startFaultyProxy, type ChooseFault, type Fault, type FaultyProxy } from '../../testing/faulty-proxy.ts';
import { startHttpService } from '../../testing/http-service.ts';
import { connectShared, dropDatabases, sharedUri, uniqueDatabase } from '../../testing/mongod.ts';
import { startS3Server, type S3Server } from '../../testing/s3-server.ts';
import { createBackup } from '../create.ts';
import { listBackups } from '../list.ts';
import { restoreBackup } from '../restore.ts';
import type { BackupStore } from '../store.ts';
import { verifyBackup } from '../verify.ts';
import { s3Client } from './s3-client.ts';
import type { S3Settings } from './s3-settings.ts';

const mebibyte = 2 ** 20;
const noToken = (): Promise<string> => Promise.reject(new Error('no token'));
let server: S3Server;
let proxy: FaultyProxy;

beforeAll(async () => {
  server = await startS3Server();
  await server.makeBucket('plain');
  proxy = await startFaultyProxy(server.endpoint);
});

afterAll(async () => {
  await proxy[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

beforeEach(() => {
  proxy.choose = () => undefined;
});

/** A store that goes through the proxy. */
function through(location: string, settings: S3Settings = {}, env: Record<string, string> = {}): BackupStore {
  return server.store(location, settings, { env: { ...server.env, AWS_ENDPOINT_URL_S3: proxy.endpoint, ...env } });
}

const isPart = (url: URL): boolean => url.searchParams.has('partNumber');

/** The same fault for the first so many requests that fit. */
function first(times: number, fits: (asked: Parameters<ChooseFault>[0]) => boolean, fault: Fault): ChooseFault {
  let left = times;
  return (asked) => (fits(asked) && left-- > 0 ? fault : undefined);
}

/** 20 MiB in three parts. Returns what was written. */
async function writeLarge(store: BackupStore): Promise<Buffer> {
  const content = randomBytes(20 * mebibyte);
  const writer = await store.openWriter('id/large', 1);
  try {
    for (let start = 0; start < content.length; start += 4 * mebibyte) await writer.write(content.subarray(start, start + 4 * mebibyte));
    await writer.close();
  } catch (error) {
    await writer.abort();
    throw error;
  }
  return content;
}

async function leftOf(location: string): Promise<{ readonly files: number; readonly uploads: number }> {
  const client = s3Client({ settings: {}, env: server.env, idToken: noToken });
  const prefix = location.replace('s3://plain/', '');
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: 'plain', Prefix: prefix }));
  return { files: (await server.store(location).files('id')).length, uploads: Uploads.length };
}

describe('a fault that passes', () => {
  test.each<[string, Fault]>([
    ['503 SlowDown', { kind: 'answer', status: 503, code: 'SlowDown' }],
    ['500', { kind: 'answer', status: 500 }],
    ['429', { kind: 'answer', status: 429, code: 'TooManyRequests' }],
    ['a connection that is reset in the middle of a part', { kind: 'reset', after: 3 * mebibyte }],
    ['an answer that is lost', { kind: 'lose answer' }],
    ['a server that does not answer', { kind: 'silence' }],
  ])('fault 3: %s is tried again, and the file is exact', async (name, fault) => {
    const location = `s3://plain/passes-${name.replace(/\W/g, '-')}`;
    proxy.choose = first(2, ({ method, url }) => method === 'PUT' && isPart(url), fault);
    const content = await writeLarge(through(location, { idleTimeout: 1_000 }));
    expect((await server.store(location).read('id/large'))?.equals(content)).toBe(true);
    expect(await leftOf(location)).toEqual({ files: 1, uploads: 0 });
  });

  test.each<[string, Fault]>([
    ['that breaks off', { kind: 'cut answer', after: 1_000_000 }],
    ['that is refused', { kind: 'answer', status: 503, code: 'SlowDown' }],
  ])('fault 3: a read %s is begun again', async (name, fault) => {
    const location = `s3://plain/read-${name.replace(/\W/g, '-')}`;
    const content = await writeLarge(server.store(location));
    proxy.choose = first(2, ({ method }) => method === 'GET', fault);
    expect((await through(location).read('id/large'))?.equals(content)).toBe(true);
  });

  test('fault 28: a slow link takes what it can, and nothing piles up in memory', async () => {
    const location = 's3://plain/slow';
    let sent = 0;
    proxy.choose = ({ method, headers }) => {
      if (method === 'PUT') sent += Number(headers['x-amz-decoded-content-length'] ?? headers['content-length']);
      return { kind: 'slow', bytesPerSecond: 40_000_000 };
    };
    const store = through(location);
    const writer = await store.openWriter('id/large', 1);
    const piece = randomBytes(2 * mebibyte);
    let most = 0;
    for (let n = 1; n <= 40; n++) {
      await writer.write(piece);
      most = Math.max(most, n * piece.length - sent);
    }
    await writer.close();
    expect(await store.files('id')).toEqual([{ path: 'id/large', bytes: 80 * mebibyte }]);
    // Two parts on their way, and what waits in front of them.
    expect(most).toBeLessThan(28 * mebibyte);
  });
});

describe('a fault that stays', () => {
  test.each<[string, Fault, string]>([
    ['503 SlowDown', { kind: 'answer', status: 503, code: 'SlowDown' }, 'store/unreachable'],
    ['500', { kind: 'answer', status: 500 }, 'store/unreachable'],
    ['a reset connection', { kind: 'reset', after: mebibyte }, 'store/unreachable'],
    ['no answer', { kind: 'silence' }, 'store/unreachable'],
    ['no right to write', { kind: 'answer', status: 403, code: 'AccessDenied' }, 'store/denied'],
    ['a full quota', { kind: 'answer', status: 507, code: 'XMinioStorageFull' }, 'backup/no-space'],
  ])('fault 3: %s is a clear failure, and nothing is left of the file', async (name, fault, code) => {
    const location = `s3://plain/stays-${name.replace(/\W/g, '-')}`;
    proxy.choose = ({ method, url }) => (method === 'PUT' && isPart(url) ? fault : undefined);
    await expect(writeLarge(through(location, { idleTimeout: 300 }))).rejects.toMatchObject({ code });
    expect(await leftOf(location)).toEqual({ files: 0, uploads: 0 });
  });

  test('fault 3: a file whose completion is refused does not exist', async () => {
    const location = 's3://plain/uncompleted';
    proxy.choose = ({ method, url }) =>
      method === 'POST' && url.searchParams.has('uploadId') ? { kind: 'answer', status: 500 } : undefined;
    await expect(writeLarge(through(location))).rejects.toMatchObject({ code: 'store/unreachable' });
    expect(await leftOf(location)).toEqual({ files: 0, uploads: 0 });
  });

  test('fault 4: an object that is shorter than what the server took is no success', async () => {
    const location = 's3://plain/short';
    proxy.choose = ({ method }) => {
      if (method === 'HEAD') truncateSync(path.join(server.folder, 'plain', 'short', 'id', 'large'), 1_000);
      return undefined;
    };
    await expect(writeLarge(through(location))).rejects.toMatchObject({
      code: 'backup/store-failed',
      message: expect.stringMatching(/holds 1000 bytes of 20971520/),
    });
    expect((await leftOf(location)).files).toBe(0);
  });

  test('fault 5: parts in another order, or one twice, are no success', async () => {
    const location = 's3://plain/order';
    const headers = { 'content-length': String(20 * mebibyte), 'x-amz-checksum-crc32': 'm3Xw8A==-3' };
    proxy.choose = ({ method }) => (method === 'HEAD' ? { kind: 'answer', status: 200, headers } : undefined);
    await expect(writeLarge(through(location))).rejects.toMatchObject({
      code: 'backup/store-failed',
      message: expect.stringMatching(/other bytes than it took/),
    });
    expect((await leftOf(location)).files).toBe(0);
  });

  test.each([
    ['fault 8: a clock that cannot be put right', 'RequestTimeTooSkewed'],
    ['fault 7: credentials that expired', 'ExpiredToken'],
    ['an account that is closed', 'AllAccessDisabled'],
  ])('%s is said by its name: %s', async (_name, refusal) => {
    proxy.choose = () => ({ kind: 'answer', status: 403, code: refusal });
    await expect(through('s3://plain/refused').put('id/a', 'x')).rejects.toMatchObject({
      code: 'store/denied',
      message: expect.stringContaining(refusal),
    });
  });

  test('a wrong region is denied', async () => {
    await expect(server.store('s3://plain/region', { region: 'eu-central-1' }).put('id/a', 'x')).rejects.toMatchObject({
      code: 'store/denied',
    });
  });
});

describe('what servers know or do not know', () => {
  test('the wish for a key of KMS is sent with every file, large ones too, and looked up afterwards', async () => {
    const key = 'arn:aws:kms:eu-central-1:123456789012:key/1';
    const wishes: unknown[] = [];
    const store = through('s3://plain/kms', { encryption: 'aws:kms', kmsKey: key });
    proxy.choose = ({ method, url, headers }) => {
      const begins = method === 'POST' && url.searchParams.has('uploads');
      if (begins || (method === 'PUT' && !isPart(url)))
        wishes.push([headers['x-amz-server-side-encryption'], headers['x-amz-server-side-encryption-aws-kms-key-id']]);
      if (method !== 'HEAD') return undefined;
      const length = url.pathname.endsWith('large') ? 20 * mebibyte : 1;
      return { kind: 'answer', status: 200, headers: { 'content-length': String(length), 'x-amz-server-side-encryption': 'aws:kms' } };
    };
    await store.put('id/small', 'x');
    await writeLarge(store);
    expect(wishes).toEqual([
      ['aws:kms', key],
      ['aws:kms', key],
    ]);
    proxy.choose = () => undefined;
    await expect(store.put('id/small', 'x')).rejects.toMatchObject({ code: 'store/not-encrypted' });
  });

  test('If-None-Match is left out where a server does not know it', async () => {
    const store = through('s3://plain/conditions');
    const conditions: unknown[] = [];
    proxy.choose = ({ method, headers }) => {
      if (method === 'PUT') conditions.push(headers['if-none-match']);
      return headers['if-none-match'] === undefined ? undefined : { kind: 'answer', status: 501, code: 'NotImplemented' };
    };
    await store.put('id/manifest.json', 'x', { onlyNew: true });
    expect((await store.read('id/manifest.json'))?.toString()).toBe('x');
    expect(conditions[0]).toBe('*');
    expect(conditions.at(-1)).toBeUndefined();
  });

  test('fault 12: a manifest whose answer was lost is ours, and that of another run is not', async () => {
    const store = through('s3://plain/lost');
    proxy.choose = first(1, ({ method }) => method === 'PUT', { kind: 'lose answer' });
    await store.put('id/manifest.json', 'ours', { onlyNew: true });
    await expect(store.put('id/manifest.json', 'theirs', { onlyNew: true })).rejects.toMatchObject({ code: 'store/exists' });
    expect((await store.read('id/manifest.json'))?.toString()).toBe('ours');
  });

  test.each([
    [403, 'AccessDenied'],
    [501, 'NotImplemented'],
  ])('uploads that cannot be listed (%d %s) are no reason to fail', async (status, code) => {
    proxy.choose = ({ url }) => (url.searchParams.has('uploads') ? { kind: 'answer', status, code } : undefined);
    expect(await through('s3://plain/unlisted').removeStranded(new Date())).toBe(0);
  });
});

describe('credentials that expire in the middle', () => {
  test('fault 7: end the upload with a clear failure, and leave no file', async () => {
    const location = 's3://plain/expired';
    let parts = 0;
    proxy.choose = ({ url }) => {
      if (isPart(url)) parts++;
      return parts > 1 ? { kind: 'answer', status: 400, code: 'ExpiredToken' } : undefined;
    };
    await expect(writeLarge(through(location))).rejects.toMatchObject({
      code: 'store/denied',
      message: expect.stringContaining('ExpiredToken'),
    });
    // Nobody could abort the upload any more; a run with good credentials does.
    const { files, uploads } = await leftOf(location);
    expect([files, uploads]).toEqual([0, 1]);
    expect(await server.store(location).removeStranded(new Date(Date.now() + 60_000))).toBe(1);
  });

  test('fault 7: of a role are renewed before they do, and the upload goes on', async () => {
    let issued = 0;
    await using sts = await startHttpService((_request, response) => {
      issued++;
      const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret } = server.env;
      const expiration = new Date(Date.now() + 1_000).toISOString();
      response.writeHead(200, { 'content-type': 'text/xml' }).end(
        `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials>
         <AccessKeyId>${id}</AccessKeyId><SecretAccessKey>${secret}</SecretAccessKey><Expiration>${expiration}</Expiration>
         </Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`,
      );
    });
    // Each part comes more than a second after the one before: what it was begun with has expired.
    proxy.choose = ({ url }) => (isPart(url) ? { kind: 'slow', bytesPerSecond: 7_000_000 } : undefined);
    const access = { env: { AWS_ENDPOINT_URL_S3: proxy.endpoint, AWS_ENDPOINT_URL_STS: sts.url }, idToken: async () => 'id-token' };
    const store = server.store('s3://plain/renewed', { role: 'arn:aws:iam::123456789012:role/backup' }, access);
    const content = await writeLarge(store);
    expect((await server.store('s3://plain/renewed').read('id/large'))?.equals(content)).toBe(true);
    expect(issued).toBeGreaterThan(3);
  });
});

describe('a run that is killed', () => {
  const database = uniqueDatabase('s3_killed');
  const takeBackup = path.resolve(import.meta.dirname, '../../testing/take-backup.ts');
  let connection: Connection;

  beforeAll(async () => {
    connection = await connectShared();
    // 24 MB that do not shrink, in three parts.
    const noise = Array.from({ length: 240 }, (_, n) => ({ n, bytes: randomBytes(100_000) }));
    await connection.client.db(database).collection('noise').insertMany(noise);
  });

  afterAll(async () => {
    await dropDatabases(connection.client, [database]);
    await connection.client.close();
  });

  test.each([
    ['in the middle of the parts', 'in a file'],
    ['between the last part and the completion', 'before the end of a file'],
    ['between two files', 'between two files'],
    ['before the manifest', 'before the manifest'],
  ])('fault 1: %s leaves no backup, and its parts are cleared away', async (_name, moment) => {
    const location = `s3://plain/killed-${moment.replaceAll(' ', '-')}`;
    const env = { ...process.env, ...server.env };
    const child = spawn(process.execPath, ['--conditions=source', takeBackup, sharedUri(), database, location, moment], { env });
    expect((await once(child, 'close'))[1]).toBe('SIGKILL');
    const store = server.store(location);
    expect((await listBackups(store)).filter(({ status }) => status === 'committed')).toEqual([]);
    await store.removeStranded(new Date(Date.now() + 60_000));
    expect(await store.removeStranded(new Date(Date.now() + 60_000))).toBe(0);
    const { id } = await createBackup({ connection, store, selection: { databases: [database] }, log: silentLog });
    await verifyBackup({ store, backupId: id, log: silentLog });
    expect((await listBackups(store)).filter(({ status }) => status === 'committed').map((backup) => backup.id)).toEqual([id]);
  });
});

describe('a backup through all of it', () => {
  const database = uniqueDatabase('s3_faults');
  const copy = uniqueDatabase('s3_faults_copy');
  let connection: Connection;

  beforeAll(async () => {
    connection = await connectShared();
    await fillEveryKind(connection.client.db(database));
  });

  afterAll(async () => {
    await dropDatabases(connection.client, [database, copy]);
    await connection.client.close();
  });

  const faults: readonly Fault[] = [
    { kind: 'answer', status: 503, code: 'SlowDown' },
    { kind: 'answer', status: 500 },
    { kind: 'reset', after: 0 },
    { kind: 'cut answer', after: 100 },
  ];

  test('fault 3: comes back exactly over a link where every sixth request fails', async () => {
    let count = 0;
    proxy.choose = () => (++count % 6 === 0 ? faults[(count / 6) % faults.length] : undefined);
    const store = through('s3://plain/flaky');
    const { id } = await createBackup({ connection, store, selection: { databases: [database] }, log: silentLog });
    await verifyBackup({ store, backupId: id, log: silentLog });
    const mapNamespace = ({ collection }: { collection: string }) => ({ database: copy, collection });
    await restoreBackup({ client: connection.client, store, backupId: id, mapNamespace, drop: false, log: silentLog });
    const before = await takeCensus(connection.client, database, { digests: true });
    const after = await takeCensus(connection.client, copy, { digests: true });
    expect(compareCensus(before, { ...after, database })).toEqual([]);
    expect(count).toBeGreaterThan(60);
  });

  test('fault 3: is not there when the store goes away before its manifest', async () => {
    proxy.choose = ({ method, url }) =>
      method === 'PUT' && url.pathname.endsWith('manifest.json') ? { kind: 'answer', status: 500 } : undefined;
    const store = through('s3://plain/no-manifest');
    const options = { connection, store, selection: { databases: [database] }, log: silentLog };
    await expect(createBackup(options)).rejects.toMatchObject({ code: 'store/unreachable' });
    expect(await store.folders()).toEqual([]);
  });

  test('fault 12: two runs at once are two backups, each of them whole', async () => {
    const store = through('s3://plain/twice');
    const options = { connection, store, selection: { databases: [database] }, log: silentLog };
    const both = await Promise.all([createBackup(options), createBackup(options)]);
    expect(new Set(both.map(({ id }) => id)).size).toBe(2);
    for (const { id, digest } of both) expect((await verifyBackup({ store, backupId: id, log: silentLog })).digest).toEqual(digest);
  });
});
