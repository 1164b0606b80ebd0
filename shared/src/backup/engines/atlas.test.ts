import { describe, expect, test } from '@jest/globals';
import { silentLog } from '../../log/log.ts';
import { Secret } from '../../redaction/secret.ts';
import {
  answer,
  atlasAccount,
  atlasKey,
  atlasProject,
  atlasSnapshot,
  startAtlas,
  type Answering,
  type AtlasService,
} from '../../testing/atlas.ts';
import { atlasEngine, type AtlasOptions } from './atlas.ts';
import type { HoldingEngine } from './holding-engine.ts';

const from = { project: atlasProject, cluster: 'shop' };
const id = '5f1b3c4d5e6f708192a3b4c5';
const held = { id, topology: 'sharded' } as const;
const begun = answer(atlasSnapshot('queued', { createdAt: undefined, mongodVersion: undefined, storageSizeBytes: undefined }));
const where = `GET snapshots/shardedCluster/${id}`;
const done = answer(atlasSnapshot('completed'));
const broken: Answering = (_request, response) => response.destroy();

function engine(service: Pick<AtlasService, 'url'>, over: Partial<AtlasOptions> = {}): HoldingEngine {
  const { signal } = new AbortController();
  const key = { keyId: atlasKey.id, keySecret: new Secret(atlasKey.secret) };
  const patience = { interval: 1, timeout: 60_000, pause: 1 };
  return atlasEngine({ url: service.url, ...key, from, to: from, retentionDays: 7, log: silentLog, signal, ...patience, ...over });
}

describe('a snapshot of Atlas', () => {
  test('is awaited, and known by its id, its time and its cluster', async () => {
    const states = ['queued', 'inProgress', 'inProgress'].map((status) => answer(atlasSnapshot(status)));
    await using service = await startAtlas({ 'POST snapshots': [begun], [where]: [...states, done] });
    expect(await engine(service).create('mark')).toEqual({
      id,
      place: 'snapshots of the cluster shop in Atlas',
      at: '2026-11-21T10:00:00Z',
      bytes: 4_096,
      serverVersion: '8.0.12',
      topology: 'sharded',
    });
    expect(service.asked).toEqual(['POST snapshots', where, where, where, where]);
    // One challenge served for all requests.
    expect(service.http.received).toHaveLength(6);
    const posted = service.http.received.find(({ body, headers }) => body !== '' && headers.authorization !== undefined);
    expect(JSON.parse(posted?.body ?? '')).toEqual({ description: 'Migration Guard mark', retentionInDays: 7 });
    expect(posted?.headers).toMatchObject({ accept: 'application/vnd.atlas.2023-01-01+json' });
    expect(JSON.stringify(service.http.received)).not.toContain(atlasKey.secret);
  });

  test('is taken by a service account too, with a token that is renewed', async () => {
    const account = { keyId: atlasAccount.id, keySecret: new Secret(atlasAccount.secret) };
    await using service = await startAtlas({ 'POST snapshots': [begun], [where]: [answer(atlasSnapshot('inProgress')), done] }, 61);
    await engine(service, account).create('mark');
    expect(service.http.received.filter(({ url }) => url === '/api/oauth/token')).toHaveLength(1);
    await using short = await startAtlas({ 'POST snapshots': [begun], [where]: [answer(atlasSnapshot('inProgress')), done] }, 60);
    await engine(short, account).create('mark');
    expect(short.http.received.filter(({ url }) => url === '/api/oauth/token')).toHaveLength(3);
  });

  test('waits for a limit of rate as long as it is told, and tries failures of the server again', async () => {
    const said: string[] = [];
    const limited: Answering = (_request, response) => {
      response.setHeader('retry-after', '0.01');
      answer({ error: 429, errorCode: 'RATE_LIMITED' }, 429)(_request, response);
    };
    await using service = await startAtlas({
      'POST snapshots': [limited, begun],
      [where]: [answer({}, 503), broken, answer('<html>', 502), limited, done],
    });
    const log = { ...silentLog, info: (line: string) => void said.push(line) };
    expect(await engine(service, { log }).create('mark')).toMatchObject({ id });
    expect(said.filter((line) => line.includes('trying again'))).toHaveLength(5);
  });

  test.each<[string, Answering]>([
    ['the answer is lost', broken],
    ['the server fails', answer({}, 500)],
  ])('is asked for only once when %s: its description tells whether there is one', async (_name, lost) => {
    const found = {
      'GET snapshots': [answer({ results: [] })],
      'GET snapshots/shardedClusters': [answer({ results: [atlasSnapshot('queued')] })],
    };
    await using service = await startAtlas({ 'POST snapshots': [lost], ...found, [where]: [done] });
    expect(await engine(service).create('mark')).toMatchObject({ id });
    expect(service.asked.filter((one) => one.startsWith('POST'))).toHaveLength(1);
    const none = { 'GET snapshots': [answer({ results: [] })], 'GET snapshots/shardedClusters': [answer({ results: [] })] };
    await using empty = await startAtlas({ 'POST snapshots': [lost], ...none });
    await expect(engine(empty).create('mark')).rejects.toMatchObject({ code: 'engine/unreachable' });
  });

  test.each<[string, Readonly<Record<string, readonly Answering[]>>, string, RegExp]>([
    ['failed', { [where]: [answer(atlasSnapshot('failed'))] }, 'backup/incomplete', /failed/],
    ['is gone', {}, 'backup/not-found', /any more/],
    [
      'cannot be had by this cluster',
      { 'POST snapshots': [answer({ errorCode: 'TENANT_CLUSTER_BACKUP', detail: 'Flex clusters have no snapshots.' }, 400)] },
      'engine/failed',
      /HTTP 400 \(TENANT_CLUSTER_BACKUP: Flex/,
    ],
    ['has no cluster', { 'POST snapshots': [answer({ errorCode: 'CLUSTER_NOT_FOUND' }, 404)] }, 'engine/failed', /no cluster shop/],
    ['is not allowed', { 'POST snapshots': [answer({ errorCode: 'USER_UNAUTHORIZED' }, 403)] }, 'engine/denied', /USER_UNAUTHORIZED/],
    ['is described in another form', { [where]: [answer({ status: 'new' })] }, 'engine/failed', /cannot be read/],
    ['can never be asked for', { [where]: [answer({}, 503)] }, 'engine/unreachable', /HTTP 503/],
  ])('that %s is a clear failure', async (_name, answers, code, message) => {
    await using service = await startAtlas({ 'POST snapshots': [begun], ...answers });
    await expect(engine(service).create('mark')).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  test('is denied to wrong keys, and not to be had where nobody answers', async () => {
    await using service = await startAtlas({});
    for (const keyId of ['wrong', 'mdb_sa_id_wrong'])
      await expect(engine(service, { keyId }).create('mark')).rejects.toMatchObject({ code: 'engine/denied' });
    await expect(engine({ url: 'http://127.0.0.1:1' }).create('mark')).rejects.toMatchObject({ code: 'engine/unreachable' });
    expect(() => engine({ url: 'not an address' })).toThrow(expect.objectContaining({ code: 'input/invalid' }));
  });

  test('that does not end in time is a failure', async () => {
    await using service = await startAtlas({ 'POST snapshots': [begun], [where]: [answer(atlasSnapshot('inProgress'))] });
    await expect(engine(service, { timeout: 0 }).create('mark')).rejects.toMatchObject({ code: 'engine/timeout' });
  });

  test('of a cancelled run goes on, and that is said', async () => {
    const controller = new AbortController();
    const cancel: Answering = (request, response) => {
      controller.abort(new Error('cancelled'));
      answer(atlasSnapshot('inProgress'))(request, response);
    };
    await using service = await startAtlas({ 'POST snapshots': [begun], [where]: [cancel] });
    const warned: string[] = [];
    const log = { ...silentLog, warning: (line: string) => void warned.push(line) };
    await expect(engine(service, { log, signal: controller.signal }).create('mark')).rejects.toThrow('cancelled');
    expect(warned.join()).toContain(`goes on with the snapshot ${id}`);
  });
});

describe('a restore of a snapshot of Atlas', () => {
  const job = {
    id: '5f1b3c4d5e6f708192a3b4ff',
    deliveryType: 'automated',
    snapshotId: id,
    cancelled: false,
    expired: false,
    failed: false,
  };
  const begin = { [where]: [done], 'POST restoreJobs': [answer(job)] };
  const state = `GET restoreJobs/${job.id}`;

  test('goes to the cluster that is named, and is awaited', async () => {
    await using service = await startAtlas({ ...begin, [state]: [answer(job), answer({ ...job, finishedAt: '2026-11-21T11:00:00Z' })] });
    await engine(service, { to: { project: atlasProject, cluster: 'copy' } }).restore(held);
    expect(service.asked).toEqual([where, 'POST restoreJobs', state, state]);
    const posted = service.http.received.find(({ method }) => method === 'POST');
    expect(JSON.parse(posted?.body ?? '')).toEqual({
      deliveryType: 'automated',
      snapshotId: id,
      targetClusterName: 'copy',
      targetGroupId: atlasProject,
    });
  });

  test.each(['failed', 'cancelled', 'expired'])('that %s is a clear failure', async (ending) => {
    await using service = await startAtlas({ ...begin, [state]: [answer({ ...job, [ending]: true, finishedAt: '2026-11-21T11:00:00Z' })] });
    await expect(engine(service).restore(held)).rejects.toMatchObject({ code: 'engine/failed', message: expect.stringContaining(ending) });
  });

  test('is never begun twice', async () => {
    const warned: string[] = [];
    await using service = await startAtlas({ ...begin, 'POST restoreJobs': [broken] });
    const log = { ...silentLog, warning: (line: string) => void warned.push(line) };
    await expect(engine(service, { log }).restore(held)).rejects.toMatchObject({ code: 'engine/unreachable' });
    expect(service.asked.filter((one) => one === 'POST restoreJobs')).toHaveLength(1);
    expect(warned.join()).toContain('not known whether the restore');
  });
});

test('a snapshot is checked and removed, also when it is gone already', async () => {
  await using service = await startAtlas({ [where]: [done], [`DELETE snapshots/shardedCluster/${id}`]: [answer({})] });
  expect(await engine(service).check(held)).toMatchObject({ id });
  await engine(service).remove(held);
  await engine(service).remove({ id, topology: 'replica-set' });
  expect(service.asked.slice(-2)).toEqual([`DELETE snapshots/shardedCluster/${id}`, `DELETE snapshots/${id}`]);
});
