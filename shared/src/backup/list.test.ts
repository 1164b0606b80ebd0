import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { emptyDigest } from '../mongo/digest.ts';
import { temporaryFolder, type TemporaryFolder } from '../testing/temporary-folder.ts';
import { listBackups, newestBackupId, resolveBackupId } from './list.ts';
import { readManifest, writeManifest, type Manifest } from './manifest.ts';
import { recordProof } from './proof.ts';
import type { BackupStore } from './store.ts';
import { directoryStore } from './stores/directory.ts';

const now = new Date('2026-08-20T12:00:00Z');
const hour = 3_600_000;
let folder: TemporaryFolder;
let store: BackupStore;

beforeEach(async () => {
  folder = await temporaryFolder();
  store = directoryStore(folder.path);
});

afterEach(async () => folder[Symbol.asyncDispose]());

/** A finished backup that holds nothing, begun so many hours ago. */
async function finished(hoursAgo: number, over: Partial<Manifest> & { readonly proven?: boolean } = {}): Promise<string> {
  const { proven = false, ...content } = over;
  const started = new Date(now.getTime() - hoursAgo * hour);
  const id = `${started.toISOString().replace(/[-:]|\.\d+/g, '')}-00000a`;
  await writeManifest(store, {
    version: 1,
    id,
    startedAt: started.toISOString(),
    finishedAt: started.toISOString(),
    tool: { name: 'migration-guard', version: '0.1.0' },
    server: { version: '6.0.5', topology: 'replica-set' },
    consistency: { kind: 'snapshot' },
    compression: 'zstd',
    selection: { databases: [], include: [], exclude: [] },
    collections: [],
    digest: emptyDigest,
    storedBytes: 0,
    ...content,
  });
  if (proven) await recordProof(store, id, { kind: 'read', at: started, digest: emptyDigest });
  return id;
}

const latest = (maxAge?: number): Promise<string> => resolveBackupId(store, 'latest', { maxAge, now: () => now });

describe('the latest backup', () => {
  test('is the newest that is proven', async () => {
    await finished(72, { proven: true });
    const good = await finished(48, { proven: true });
    const unproven = await finished(1);
    expect(await latest()).toBe(good);
    expect(await newestBackupId(store, 'latest')).toBe(unproven);
  });

  test('is not there while none is proven, and that says which one could be', async () => {
    await expect(latest()).rejects.toMatchObject({ code: 'backup/not-found', message: expect.stringContaining('no finished backup') });
    await expect(newestBackupId(store, 'latest')).rejects.toMatchObject({ code: 'backup/not-found' });
    const id = await finished(1);
    await expect(latest()).rejects.toMatchObject({
      code: 'backup/not-found',
      message: expect.stringContaining(id),
      remedy: expect.stringContaining('mode: verify'),
    });
  });

  test('may not be older than it may be, although an unproven one is newer', async () => {
    const good = await finished(30, { proven: true });
    const unproven = await finished(1);
    expect(await latest(30 * hour)).toBe(good);
    await expect(latest(24 * hour)).rejects.toMatchObject({
      code: 'backup/too-old',
      message: `The newest good backup, ${good}, is 30 h old, 24 h are allowed; ${unproven} is newer, but not proven.`,
    });
    await expect(resolveBackupId(store, good, { maxAge: 24 * hour, now: () => now })).rejects.toMatchObject({ code: 'backup/too-old' });
    expect(await resolveBackupId(store, unproven, { maxAge: 24 * hour, now: () => now })).toBe(unproven);
  });

  test('has a proof that can be read', async () => {
    const id = await finished(1);
    await store.put(`${id}/proofs/20260820T110000000Z-read.json`, '{"version":1,"kind":"re');
    await expect(latest()).rejects.toMatchObject({ code: 'backup/not-found' });
  });
});

test('fault 10: planted partial and empty backups are listed as what they are, and are never the latest', async () => {
  const good = await finished(48, { proven: true });
  await store.put('20260820T100000Z-0000aa/dump/shop/orders.bson.zst', 'half of a backup');
  await store.put('20260820T103000Z-0000ab/manifest.json', '');
  await store.put('20260820T110000Z-0000ac/manifest.json', '{"version":1,"id":"2026');
  await store.put('20260820T113000Z-0000ad/proofs/20260820T113000000Z-read.json', '{}');
  await store.put('not-a-backup/manifest.json', '{}');
  expect((await listBackups(store)).map(({ id, status }) => [id.slice(-2), status])).toEqual([
    ['0a', 'committed'],
    ['aa', 'unfinished'],
    ['ab', 'damaged'],
    ['ac', 'damaged'],
    ['ad', 'unfinished'],
  ]);
  expect(await latest()).toBe(good);
  expect(await newestBackupId(store, 'latest')).toBe(good);
});

test('fault 18: a manifest of another run is no backup', async () => {
  const id = await finished(2, { proven: true });
  const other = '20260820T110000Z-0000bb';
  await store.put(`${other}/manifest.json`, (await store.read(`${id}/manifest.json`)) ?? '');
  expect((await listBackups(store)).map((backup) => [backup.id, backup.status])).toEqual([
    [id, 'committed'],
    [other, 'damaged'],
  ]);
  expect(await latest()).toBe(id);
});

test('a backup that another tool keeps is listed, but cannot be read here', async () => {
  const held = { engine: 'pbm', id: '2026-08-20T10:00:00Z', place: 's3 of pbm', at: '2026-08-20T10:00:00Z' } as const;
  const id = await finished(1, { held });
  expect(await listBackups(store)).toMatchObject([{ id, status: 'committed', manifest: { held } }]);
  await expect(readManifest(store, id)).rejects.toMatchObject({ code: 'backup/held-elsewhere' });
});
