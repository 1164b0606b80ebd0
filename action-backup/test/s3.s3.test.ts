import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { otherKey, testKey } from '@migration-guard/shared/testing/age-keys';
import { fillEveryKind } from '@migration-guard/shared/testing/every-kind';
import { startHttpService } from '@migration-guard/shared/testing/http-service';
import { startS3Server, type S3Server } from '@migration-guard/shared/testing/s3-server';
import { backupJob, type BackupJob } from './backup-job.ts';

const scene = backupJob('bundle_s3', fillEveryKind);
const { database, renames } = scene;
let server: S3Server;

beforeAll(async () => {
  server = await startS3Server();
  await server.makeBucket('backups');
});

afterAll(async () => server[Symbol.asyncDispose]());

const run = (inputs: Record<string, string>, env: Readonly<Record<string, string>> = server.env): ReturnType<BackupJob['run']> =>
  scene.run(inputs, { env });

describe('a backup in a bucket, by the bundle', () => {
  test('is created, verified, listed, restored and pruned', async () => {
    const store = 's3://backups/whole/way';
    const created = await run({ databases: database, store, proof: 'read' });
    expect(created).toMatchObject({ exitCode: 0, outputs: { result: 'passed', proof: 'read' } });
    const id = created.outputs['backup-id'] ?? '';
    expect(created.outputs['backup-path']).toBe(`${store}/${id}`);
    const verified = await run({ mode: 'verify', uri: '', store, 'max-age': '1h' });
    expect(verified).toMatchObject({ exitCode: 0, outputs: { 'backup-id': id, digest: created.outputs['digest'] } });
    const restored = await run({ mode: 'restore', store, ...renames });
    expect(restored).toMatchObject({ exitCode: 0, outputs: { documents: created.outputs['documents'] } });
    expect(await scene.differences()).toEqual([]);
    const newer = await run({ databases: database, store, include: 'types', proof: 'none' });
    expect(await run({ mode: 'prune', uri: '', store, keep: 'last: 1' })).toMatchObject({ exitCode: 0 });
    const listed = await run({ mode: 'list', uri: '', store });
    // The proven one stays although a newer one is kept.
    expect(JSON.parse(listed.outputs['backups'] ?? '')).toMatchObject([
      { id: newer.outputs['backup-id'], proof: 'none' },
      { id, proof: 'read' },
    ]);
    // Nothing went through the disk of the runner.
    expect(await readdir(scene.job.workspace)).toEqual([]);
  });

  test('fault 8: by a runner whose clock is an hour wrong, which is put right by that of the server', async () => {
    const store = 's3://backups/skewed';
    const hourAhead = 'data:text/javascript,const%20right=Date.now;Date.now=()=%3Eright()+36e5';
    const skewed = { ...server.env, NODE_OPTIONS: `--import=${hourAhead}` };
    const created = await run({ databases: database, store, proof: 'read' }, skewed);
    expect(created).toMatchObject({ exitCode: 0, outputs: { result: 'passed', proof: 'read' } });
    expect(await run({ mode: 'restore', store, ...renames })).toMatchObject({ exitCode: 0 });
    expect(await scene.differences()).toEqual([]);
  });

  test('is encrypted by a run that has no key, and restored by one that has it', async () => {
    const store = 's3://backups/encrypted';
    const created = await run({ databases: database, store, 'encrypt-to': testKey.recipient, proof: 'read' });
    expect(created).toMatchObject({ exitCode: 0, outputs: { result: 'passed', proof: 'read' } });
    expect(await run({ mode: 'list', uri: '', store })).toMatchObject({ exitCode: 0 });
    const to = { mode: 'restore', store, ...renames };
    expect((await run(to)).rawLog).toContain('backup/key-missing');
    expect((await run({ ...to, 'decrypt-key': otherKey.secret })).rawLog).toContain('backup/key-wrong');
    const restored = await run({ ...to, 'decrypt-key': testKey.secret });
    expect(restored).toMatchObject({ exitCode: 0, outputs: { digest: created.outputs['digest'] } });
    const shown = restored.rawLog.split('\n').filter((line) => !line.startsWith('::add-mask::'));
    expect(shown.join('\n')).not.toContain(testKey.secret);
  });

  test('is reached by a role with the ID token of the job, and nothing is left in the log', async () => {
    await using github = await startHttpService((received, response) => {
      const token = Buffer.from(JSON.stringify({ aud: new URL(received.url, 'http://x').searchParams.get('audience') })).toString(
        'base64url',
      );
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ value: `e30.${token}.c2ln` }));
    });
    await using sts = await startHttpService((_received, response) => {
      response
        .writeHead(200, { 'content-type': 'text/xml' })
        .end(
          `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials>` +
            `<AccessKeyId>${server.env['AWS_ACCESS_KEY_ID']}</AccessKeyId><SecretAccessKey>${server.env['AWS_SECRET_ACCESS_KEY']}</SecretAccessKey>` +
            `<Expiration>${new Date(Date.now() + 3_600_000).toISOString()}</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`,
        );
    });
    const inputs = {
      databases: database,
      include: 'types',
      store: 's3://backups/role',
      's3-endpoint': server.endpoint,
      'role-to-assume': 'arn:aws:iam::123456789012:role/backup',
    };
    const env = {
      AWS_ENDPOINT_URL_STS: sts.url,
      ACTIONS_ID_TOKEN_REQUEST_URL: `${github.url}/token?v=1`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'request',
    };
    expect(await run(inputs, env)).toMatchObject({ exitCode: 0, outputs: { result: 'passed' } });
    expect(new URLSearchParams(sts.received[0]?.body).get('WebIdentityToken')).toMatch(/^e30\./);
    const refused = await run(inputs, { AWS_ENDPOINT_URL_STS: sts.url });
    expect(refused).toMatchObject({ exitCode: 1 });
    expect(refused.rawLog).toContain('id-token: write');
  });
});

test.each([
  [{ store: 's3://absent' }, {}, 'store/no-bucket'],
  [{ store: 's3://backups' }, { AWS_SECRET_ACCESS_KEY: 'wrong' }, 'store/denied'],
  [{ store: 's3://backups', 's3-endpoint': 'http://127.0.0.1:1' }, {}, 'store/unreachable'],
  [{ store: 's3://backups', 's3-sse': 'AES256' }, {}, 'store/not-encrypted'],
  [{ store: 's3://backups', 's3-object-lock': 'governance', 's3-object-lock-for': '1h' }, {}, 'store/no-object-lock'],
  [{ store: 's3://backups', 's3-object-lock': 'governance' }, {}, 'input/invalid'],
  [{ store: 's3://backups', 's3-sse': 'AES256', 's3-kms-key': 'key' }, {}, 'input/invalid'],
  [{ store: 's3://backups', 'encrypt-to': 'age1nobody' }, {}, 'input/invalid'],
  [{ store: 's3://backups', 'decrypt-key': 'nothing' }, {}, 'input/invalid'],
  [{ store: 's3://' }, {}, 'input/invalid'],
])('%j is one clear error with %j: %s', async (inputs, env, code) => {
  const before = await readdir(path.join(server.folder, 'backups'));
  const result = await run({ databases: database, include: 'types', ...inputs }, { ...server.env, ...env });
  expect(result.exitCode).toBe(1);
  expect(result.annotations.filter(({ level }) => level === 'error')).toEqual([
    expect.objectContaining({ message: expect.stringContaining(code) }),
  ]);
  expect(await readdir(path.join(server.folder, 'backups'))).toEqual(before);
});
