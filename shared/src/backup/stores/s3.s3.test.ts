import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  PutObjectLegalHoldCommand,
  PutObjectRetentionCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { silentLog } from '../../log/log.ts';
import { startHttpService } from '../../testing/http-service.ts';
import { startS3Server, type S3Server } from '../../testing/s3-server.ts';
import { s3Client } from './s3-client.ts';

const mebibyte = 2 ** 20;
let server: S3Server;

beforeAll(async () => {
  server = await startS3Server();
  await server.makeBucket('plain');
  await client().send(new CreateBucketCommand({ Bucket: 'locked', ObjectLockEnabledForBucket: true }));
});

afterAll(async () => server[Symbol.asyncDispose]());

const noToken = (): Promise<string> => Promise.reject(new Error('no token'));
const client = (): ReturnType<typeof s3Client> => s3Client({ settings: {}, env: server.env, idToken: noToken });

async function uploadsUnder(prefix: string): Promise<number> {
  return (await client().send(new ListMultipartUploadsCommand({ Bucket: 'plain', Prefix: prefix }))).Uploads?.length ?? 0;
}

describe('a bucket as a store', () => {
  test('keeps what is written, and reads wholes and ranges', async () => {
    const store = server.store('s3://plain/some/prefix/');
    expect(store.location).toBe('s3://plain/some/prefix');
    expect(store.locate('id/a')).toBe('s3://plain/some/prefix/id/a');
    const writer = await store.openWriter('id/dump/a+b %41.bson');
    await writer.write(Buffer.from('hello '));
    await writer.write(Buffer.from('world'));
    await writer.close();
    const read = async (range?: { offset: number; bytes: number }): Promise<string | undefined> =>
      (await store.read('id/dump/a+b %41.bson', range))?.toString();
    expect(await read()).toBe('hello world');
    expect(await read({ offset: 6, bytes: 3 })).toBe('wor');
    expect(await read({ offset: 6, bytes: 300 })).toBe('world');
    expect(await read({ offset: 11, bytes: 1 })).toBe('');
    expect(await read({ offset: 3, bytes: 0 })).toBe('');
    expect(await store.read('id/dump/b.bson')).toBeUndefined();
    expect(await store.read('id/dump/b.bson', { offset: 0, bytes: 1 })).toBeUndefined();
    expect(await store.freeBytes()).toBeUndefined();
  });

  test('lists folders and files, and removes them', async () => {
    const store = server.store('s3://plain/listed');
    await store.put('b/x/1', 'one');
    await store.put('b/2', 'to');
    await store.put('a/1', '');
    expect(await store.folders()).toEqual(['a', 'b']);
    expect(await store.files('b')).toEqual([
      { path: 'b/2', bytes: 2 },
      { path: 'b/x/1', bytes: 3 },
    ]);
    await store.remove('b/2');
    expect(await store.files('b')).toHaveLength(1);
    await store.remove('b');
    await store.remove('b');
    expect(await store.folders()).toEqual(['a']);
  });

  test('lists and removes more than one page', async () => {
    const store = server.store('s3://plain/many');
    for (let start = 0; start < 1_100; start += 50)
      await Promise.all(Array.from({ length: 50 }, (_, n) => store.put(`folder/${start + n}`, '')));
    expect(await store.files('folder')).toHaveLength(1_100);
    await store.remove('folder');
    expect(await store.files('folder')).toEqual([]);
  });

  test('takes a large file in parts and compares what it holds', async () => {
    const store = server.store('s3://plain/large');
    const writer = await store.openWriter('id/large', 1);
    const piece = randomBytes(3 * mebibyte);
    // The buffer is used again at once: the store must have its own copy.
    const reused = Buffer.alloc(piece.length);
    for (let n = 0; n < 9; n++) {
      piece.copy(reused);
      await writer.write(reused);
      reused.fill(0);
    }
    await writer.close();
    expect(await store.files('id')).toEqual([{ path: 'id/large', bytes: 27 * mebibyte }]);
    expect((await store.read('id/large', { offset: 24 * mebibyte, bytes: 3 * mebibyte }))?.equals(piece)).toBe(true);
  });

  test('fault 12: lets only one of many writers have a new name', async () => {
    const store = server.store('s3://plain/race');
    const results = await Promise.allSettled(
      Array.from({ length: 8 }, (_, n) => store.put('id/manifest.json', String(n), { onlyNew: true })),
    );
    const refused = results.filter((result) => result.status === 'rejected');
    expect(refused).toHaveLength(7);
    for (const { reason } of refused) expect(reason).toMatchObject({ code: 'store/exists' });
    const [winner = -1] = results.flatMap(({ status }, n) => (status === 'fulfilled' ? [n] : []));
    expect((await store.read('id/manifest.json'))?.toString()).toBe(String(winner));
    // As after an answer that was lost: what stands there is what was to be written.
    await store.put('id/manifest.json', String(winner), { onlyNew: true });
  });

  test.each(['../outside', 'id/../../outside', '/etc/passwd', '', 'a//b'])('does not follow %j out of itself', async (escape) => {
    await expect(server.store('s3://plain/x').put(escape, 'x')).rejects.toMatchObject({ code: 'backup/incomplete' });
  });
});

describe('an upload that is given up', () => {
  test('leaves neither parts nor a file', async () => {
    const store = server.store('s3://plain/aborted');
    const writer = await store.openWriter('id/file', 1);
    for (let n = 0; n < 6; n++) await writer.write(randomBytes(4 * mebibyte));
    await writer.abort();
    await expect(writer.write(Buffer.from('more'))).rejects.toMatchObject({ code: 'backup/store-failed' });
    expect(await uploadsUnder('aborted')).toBe(0);
    expect(await store.files('id')).toEqual([]);
  });

  test('at any moment leaves none, also while it is only being begun', async () => {
    const store = server.store('s3://plain/early');
    const part = randomBytes(4 * mebibyte);
    const giveUp = async (wait: number): Promise<void> => {
      const writer = await store.openWriter(`id/${wait}`, 1);
      for (let n = 0; n < 3; n++) await writer.write(part);
      for (let turn = 0; turn < wait; turn++) await new Promise(setImmediate);
      await writer.abort();
    };
    await Promise.all(Array.from({ length: 16 }, (_, wait) => giveUp(wait)));
    expect(await uploadsUnder('early')).toBe(0);
  });

  test('by the signal ends at once with the reason of the signal', async () => {
    const controller = new AbortController();
    const store = server.store('s3://plain/cancelled', {}, { signal: controller.signal });
    const writer = await store.openWriter('id/file', 1);
    for (let n = 0; n < 6; n++) await writer.write(randomBytes(4 * mebibyte));
    const reason = new Error('cancelled');
    controller.abort(reason);
    await expect(writer.close()).rejects.toBe(reason);
    await writer.abort();
    expect(await uploadsUnder('cancelled')).toBe(0);
    expect(await store.files('id')).toEqual([]);
  });

  test('fault 1: by a kill is cleared away once it is old enough, and others are not', async () => {
    const Bucket = 'plain';
    for (const Key of ['stranded/id/file', 'not-ours/file']) {
      const { UploadId } = await client().send(new CreateMultipartUploadCommand({ Bucket, Key }));
      await client().send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: Buffer.alloc(10) }));
    }
    const store = server.store('s3://plain/stranded');
    expect(await store.removeStranded(new Date(Date.now() - 60_000))).toBe(0);
    expect(await store.removeStranded(new Date(Date.now() + 60_000))).toBe(1);
    expect(await uploadsUnder('stranded')).toBe(0);
    expect(await uploadsUnder('not-ours')).toBe(1);
  });
});

describe('what goes wrong', () => {
  test('wrong keys, an absent bucket and a server that is not there have a code each', async () => {
    const stranger = { ...server.env, AWS_ACCESS_KEY_ID: 'stranger' };
    const forger = { ...server.env, AWS_SECRET_ACCESS_KEY: 'wrong' };
    const nowhere = { ...server.env, AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:1' };
    for (const [store, code] of [
      [server.store('s3://plain', {}, { env: stranger }), 'store/denied'],
      [server.store('s3://plain', {}, { env: forger }), 'store/denied'],
      [server.store('s3://absent'), 'store/no-bucket'],
      [server.store('s3://plain', {}, { env: nowhere }), 'store/unreachable'],
    ] as const) {
      await expect(store.folders()).rejects.toMatchObject({ code });
      await expect(store.removeStranded(new Date())).rejects.toMatchObject({ code });
      await expect(store.read('id/a')).rejects.toMatchObject({ code });
      await expect(store.put('id/a', 'x')).rejects.toMatchObject({ code });
      const writer = await store.openWriter('id/b');
      await writer.write(Buffer.from('x'));
      await expect(writer.close()).rejects.toMatchObject({ code });
      await writer.abort();
    }
  });

  test('a server that takes the wish for encryption and ignores it is refused', async () => {
    const store = server.store('s3://plain/secret', { encryption: 'AES256' });
    await expect(store.put('id/a', 'x')).rejects.toMatchObject({ code: 'store/not-encrypted' });
  });

  test('an endpoint that is no address is refused', () => {
    expect(() => server.store('s3://plain', { endpoint: 'not an address' })).toThrow(expect.objectContaining({ code: 'input/invalid' }));
  });
});

describe('Object Lock', () => {
  test('fault 9: is set on every file, and told', async () => {
    const store = server.store('s3://locked/kept', { objectLock: { mode: 'governance', milliseconds: 3_600_000 } });
    await store.put('id/manifest.json', 'x');
    const writer = await store.openWriter('id/big', 1);
    for (let n = 0; n < 3; n++) await writer.write(randomBytes(4 * mebibyte));
    await writer.close();
    const lock = await store.lockOf('id');
    expect(lock?.until?.getTime()).toBeGreaterThan(Date.now() + 3_000_000);
    expect(await store.lockOf('absent')).toBeUndefined();
    await server.store('s3://locked/free').put('id/a', 'x');
    expect(await server.store('s3://locked/free').lockOf('id')).toBeUndefined();
  });

  test('fault 9: that somebody has set on the manifest alone is told, a legal hold before a time', async () => {
    const store = server.store('s3://locked/by-hand');
    await store.put('id/dump/a', 'x');
    await store.put('id/manifest.json', 'x');
    expect(await store.lockOf('id')).toBeUndefined();
    const manifest = { Bucket: 'locked', Key: 'by-hand/id/manifest.json' };
    const until = new Date(Date.now() + 3_600_000);
    await client().send(new PutObjectRetentionCommand({ ...manifest, Retention: { Mode: 'GOVERNANCE', RetainUntilDate: until } }));
    expect((await store.lockOf('id'))?.until?.getTime()).toBeCloseTo(until.getTime(), -4);
    await client().send(new PutObjectLegalHoldCommand({ ...manifest, LegalHold: { Status: 'ON' } }));
    expect(await store.lockOf('id')).toEqual({ until: undefined });
  });

  test('in a bucket without it is refused', async () => {
    const store = server.store('s3://plain/kept', { objectLock: { mode: 'compliance', milliseconds: 3_600_000 } });
    await expect(store.put('id/a', 'x')).rejects.toMatchObject({ code: 'store/no-object-lock' });
  });
});

test('a role is assumed with a fresh ID token each time the credentials are about to expire', async () => {
  let tokens = 0;
  await using sts = await startHttpService((_request, response) => {
    const expiration = new Date(Date.now() + 1_000).toISOString();
    const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret } = server.env;
    response.writeHead(200, { 'content-type': 'text/xml' }).end(
      `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials>
       <AccessKeyId>${id}</AccessKeyId><SecretAccessKey>${secret}</SecretAccessKey><Expiration>${expiration}</Expiration>
       </Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`,
    );
  });
  const env = { AWS_ENDPOINT_URL_S3: server.endpoint, AWS_ENDPOINT_URL_STS: sts.url };
  const idToken = async (audience: string): Promise<string> => `${audience}-${++tokens}`;
  const store = server.store('s3://plain/role', { role: 'arn:aws:iam::123456789012:role/backup' }, { env, idToken });
  await store.put('id/a', 'x');
  await store.put('id/b', 'x');
  const sent = sts.received.map(({ body }) => new URLSearchParams(body));
  expect(sent.length).toBeGreaterThan(1);
  expect(new Set(sent.map((body) => body.get('WebIdentityToken'))).size).toBe(sent.length);
  expect(sent[0]?.get('WebIdentityToken')).toBe('sts.amazonaws.com-1');
  expect(sent[0]?.get('RoleArn')).toBe('arn:aws:iam::123456789012:role/backup');
  const refused = server.store(
    's3://plain/role',
    { role: 'arn:aws:iam::123456789012:role/backup' },
    { env, idToken: noToken, log: silentLog },
  );
  await expect(refused.put('id/a', 'x')).rejects.toMatchObject({ code: 'backup/store-failed' });
  expect(await readdir(path.join(server.folder, 'plain', 'role', 'id'))).toEqual(['a', 'b']);
});
