import { cp, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Code } from '../errors/codes.ts';
import { silentLog } from '../log/log.ts';
import type { Connection } from '../mongo/connect.ts';
import { connectShared, dropDatabases, uniqueDatabase } from '../testing/mongod.ts';
import { temporaryFolder, type TemporaryFolder } from '../testing/temporary-folder.ts';
import { createBackup } from './create.ts';
import { frameTableText, readFrameTable, type Frame } from './frame-table.ts';
import { listBackups } from './list.ts';
import { hashOf, readManifest, writeManifest, type Manifest } from './manifest.ts';
import { restoreBackup } from './restore.ts';
import { directoryStore } from './stores/directory.ts';
import { verifyBackup } from './verify.ts';

const database = uniqueDatabase('damage');
const target = uniqueDatabase('damage_target');
let connection: Connection;
let good: TemporaryFolder;
let manifest: Manifest;

beforeAll(async () => {
  connection = await connectShared();
  good = await temporaryFolder();
  const db = connection.client.db(database);
  const text = 'abcdefghij'.repeat(1_000);
  // Two frames of about the same length, and one.
  for (const [name, length] of [
    ['a', 3_200],
    ['b', 200],
  ] as const)
    await db.collection(name).insertMany(Array.from({ length }, (_, n) => ({ name, n, text: text + String(n) })));
  await db.collection('a').createIndex({ n: 1 });
  const options = { connection, store: directoryStore(good.path), selection: { databases: [database] }, log: silentLog };
  manifest = await createBackup(options);
});

afterAll(async () => {
  await dropDatabases(connection.client, [database, target]);
  await connection.client.close();
  await good[Symbol.asyncDispose]();
});

/** Damages a copy of the backup and returns the code of the error that verification gives. */
async function codeAfter(damage: (folder: string) => Promise<unknown>): Promise<Code | 'none'> {
  await using folder = await temporaryFolder();
  await cp(good.path, folder.path, { recursive: true });
  await damage(path.join(folder.path, manifest.id));
  const store = directoryStore(folder.path);
  const error = await verifyBackup({ store, backupId: manifest.id, log: silentLog }).then(
    () => undefined,
    (thrown: { code: Code }) => thrown,
  );
  return error?.code ?? 'none';
}

const dataFile = (folder: string, name: string): string => path.join(folder, 'dump', database, `${name}.bson.zst`);

/** The bytes with one other bit. */
function flipped(bytes: Buffer, bit: number): Buffer {
  const changed = Buffer.from(bytes);
  const at = Math.floor(bit / 8) % bytes.length;
  changed[at] = (changed[at] ?? 0) ^ (1 << (bit % 8));
  return changed;
}

async function flip(file: string, bit: number): Promise<void> {
  await writeFile(file, flipped(await readFile(file), bit));
}

test('a backup without damage verifies, with frames enough to damage', async () => {
  expect(await codeAfter(async () => undefined)).toBe('none');
  expect(manifest.collections[0]?.data?.frames).toBe(2);
});

test('fault 13: one flipped bit is found, at a hundred places in each kind of file', async () => {
  await using folder = await temporaryFolder();
  const store = directoryStore(folder.path);
  const selection = { databases: [database], include: ['b'] };
  const { id } = await createBackup({ connection, store, selection, log: silentLog });
  const files = (await readdir(path.join(folder.path, id), { recursive: true })).filter((file) => file.includes('.'));
  expect(files.toSorted()).toEqual([
    `dump/${database}/b.bson.zst`,
    `dump/${database}/b.metadata.json`,
    `frames/${database}/b.json`,
    'manifest.json',
  ]);
  for (const name of files) {
    const file = path.join(folder.path, id, name);
    const whole = await readFile(file);
    for (let seed = 1; seed <= 100; seed++) {
      await writeFile(file, flipped(whole, (seed * 2_654_435_761) % 2 ** 31));
      const code = await verifyBackup({ store, backupId: id, log: silentLog }).then(
        () => 'none',
        (error: { code: Code }) => error.code,
      );
      expect([name, seed, code]).toEqual([name, seed, expect.stringMatching(/^(backup\/checksum-mismatch|document\/(invalid|too-new))$/)]);
    }
    await writeFile(file, whole);
  }
  await verifyBackup({ store, backupId: id, log: silentLog });
});

describe('what is missing', () => {
  const cut = (name: string, bytes: (size: number) => number) => async (folder: string) => {
    const file = dataFile(folder, name);
    await truncate(file, bytes((await readFile(file)).length));
  };

  test('fault 14: a file that is cut anywhere, at the end of a frame too', async () => {
    const [entry] = manifest.collections;
    const table = entry?.data === undefined ? undefined : await readFrameTable(directoryStore(good.path), manifest.id, entry.data);
    const boundary = table?.frames[1]?.offset ?? 0;
    expect(await codeAfter(cut('a', () => boundary))).toBe('backup/incomplete');
    expect(await codeAfter(cut('a', () => boundary + 100))).toBe('backup/incomplete');
    expect(await codeAfter(cut('a', (size) => size - 1))).toBe('backup/incomplete');
    expect(await codeAfter(cut('a', () => 0))).toBe('backup/incomplete');
  });

  test('fault 14: plain documents that are cut inside of one, and between two', async () => {
    await using folder = await temporaryFolder();
    const store = directoryStore(folder.path);
    const plain = await createBackup({ connection, store, selection: { databases: [database] }, compression: 'none', log: silentLog });
    const file = path.join(folder.path, plain.id, 'dump', database, 'b.bson');
    const whole = await readFile(file);
    const first = whole.readInt32LE();
    for (const bytes of [first - 1, first, first + 3, 2 * first, whole.length - first]) {
      await writeFile(file, whole.subarray(0, bytes));
      await expect(verifyBackup({ store, backupId: plain.id, log: silentLog })).rejects.toMatchObject({ code: 'backup/incomplete' });
    }
  });

  test('fault 17: a file of no bytes, of any kind', async () => {
    const files = (await readdir(path.join(good.path, manifest.id), { recursive: true })).filter((file) => file.includes('.'));
    for (const file of files) {
      const code = await codeAfter((folder) => truncate(path.join(folder, file), 0));
      expect(code).toBe(file === 'manifest.json' ? 'backup/checksum-mismatch' : 'backup/incomplete');
    }
  });

  test.each(['dump/DB/a.bson.zst', 'dump/DB/a.metadata.json', 'frames/DB/a.json'])('fault 15: the file %s', async (file) => {
    expect(await codeAfter((folder) => rm(path.join(folder, file.replace('DB', database))))).toBe('backup/incomplete');
  });

  test('the manifest: the backup was never finished', async () => {
    expect(await codeAfter((folder) => rm(path.join(folder, 'manifest.json')))).toBe('backup/incomplete');
    expect(await codeAfter((folder) => truncate(path.join(folder, 'manifest.json'), 100))).toBe('backup/checksum-mismatch');
  });

  test('the whole backup', async () => {
    expect(await codeAfter((folder) => rm(folder, { recursive: true }))).toBe('backup/not-found');
  });
});

describe('what was moved', () => {
  test('fault 15: two files that changed places', async () => {
    const swap = async (folder: string): Promise<void> => {
      await rename(dataFile(folder, 'a'), `${folder}/tmp`);
      await rename(dataFile(folder, 'b'), dataFile(folder, 'a'));
      await rename(`${folder}/tmp`, dataFile(folder, 'b'));
    };
    expect(['backup/checksum-mismatch', 'backup/incomplete']).toContain(await codeAfter(swap));
  });

  test.each<[string, (frames: readonly Frame[]) => readonly Frame[]]>([
    ['changed places', ([first, second, ...others]) => [second, first, ...others].filter((frame) => frame !== undefined)],
    ['came twice', ([first, ...others]) => [first, first, ...others].filter((frame) => frame !== undefined)],
    ['are less by one', (frames) => frames.slice(1)],
  ])('fault 15: frames that %s, with a frame table that fits them', async (_what, move) => {
    const swap = async (folder: string): Promise<void> => {
      const store = directoryStore(path.dirname(folder));
      const data = manifest.collections[0]?.data;
      if (data === undefined) throw new Error('no data');
      const { frames } = await readFrameTable(store, manifest.id, data);
      const bytes = await readFile(dataFile(folder, 'a'));
      const parts = move(frames).map((frame) => bytes.subarray(frame.offset, frame.offset + frame.stored));
      let offset = 0;
      const moved = move(frames).map((frame) => ({ ...frame, offset: (offset += frame.stored) - frame.stored }));
      await writeFile(dataFile(folder, 'a'), Buffer.concat(parts));
      await writeFile(path.join(folder, data.table.path), frameTableText({ version: 1, file: data.path, frames: moved }));
    };
    expect(['backup/checksum-mismatch', 'backup/incomplete']).toContain(await codeAfter(swap));
  });

  test('fault 18: a manifest of another backup', async () => {
    const adopt = async (folder: string): Promise<void> => {
      const store = directoryStore(path.dirname(folder));
      await writeManifest(store, { ...manifest, id: 'other' });
      await rename(path.join(path.dirname(folder), 'other', 'manifest.json'), path.join(folder, 'manifest.json'));
    };
    expect(await codeAfter(adopt)).toBe('backup/checksum-mismatch');
  });

  test('a file that does not belong there, and one that grew', async () => {
    expect(await codeAfter((folder) => writeFile(dataFile(folder, 'c'), ''))).toBe('backup/unexpected-file');
    expect(await codeAfter((folder) => writeFile(dataFile(folder, 'a'), 'x', { flag: 'a' }))).toBe('backup/checksum-mismatch');
  });
});

/** A manifest whose seals are right and whose figures are not: a bug of ours, not damage. */
test('a manifest that tells another story than the documents', async () => {
  const lie = async (folder: string): Promise<void> => {
    const collections = manifest.collections.map((entry) => ({ ...entry, digest: { ...entry.digest, sum: '0'.repeat(32) } }));
    await rm(path.join(folder, 'manifest.json'));
    await writeManifest(directoryStore(path.dirname(folder)), { ...manifest, collections });
  };
  expect(await codeAfter(lie)).toBe('backup/content-mismatch');
  const wrongTable = async (folder: string): Promise<void> => {
    const store = directoryStore(path.dirname(folder));
    const [first, ...others] = manifest.collections;
    if (first?.data === undefined) throw new Error('no data');
    const { frames } = await readFrameTable(store, manifest.id, first.data);
    const table = frameTableText({ version: 1, file: first.data.path, frames: frames.map((frame) => ({ ...frame, documents: 1 })) });
    await writeFile(path.join(folder, first.data.table.path), table);
    const file = { ...first.data.table, bytes: table.length, sha256: hashOf(table) };
    await rm(path.join(folder, 'manifest.json'));
    await writeManifest(store, { ...manifest, collections: [{ ...first, data: { ...first.data, table: file } }, ...others] });
  };
  expect(await codeAfter(wrongTable)).toBe('backup/content-mismatch');
});

test('fault 13: a damaged backup is not restored, and nothing is left of the attempt', async () => {
  await using folder = await temporaryFolder();
  await cp(good.path, folder.path, { recursive: true });
  // In the last frame, when documents of the first are on their way.
  await flip(dataFile(path.join(folder.path, manifest.id), 'a'), ((manifest.collections[0]?.data?.bytes ?? 0) - 20) * 8);
  const store = directoryStore(folder.path);
  const mapNamespace = ({ collection }: { collection: string }): { database: string; collection: string } => ({
    database: target,
    collection,
  });
  const restoring = restoreBackup({ client: connection.client, store, backupId: manifest.id, mapNamespace, drop: false, log: silentLog });
  await expect(restoring).rejects.toMatchObject({ code: 'backup/checksum-mismatch' });
  expect(await connection.client.db(target).listCollections().toArray()).toEqual([]);
});

test('fault 10: list tells finished, unfinished and damaged ones apart', async () => {
  await using folder = await temporaryFolder();
  const store = directoryStore(folder.path);
  const other = '20200101T000000Z-000001';
  await cp(good.path, folder.path, { recursive: true });
  await cp(path.join(good.path, manifest.id), path.join(folder.path, other), { recursive: true });
  await cp(path.join(good.path, manifest.id, 'dump'), path.join(folder.path, '20200101T000000Z-000002', 'dump'), { recursive: true });
  await writeFile(path.join(folder.path, '.hidden'), '');
  await cp(path.join(good.path, manifest.id), path.join(folder.path, 'something else'), { recursive: true });
  expect((await listBackups(store)).map(({ id, status }) => [id, status])).toEqual([
    [other, 'damaged'],
    ['20200101T000000Z-000002', 'unfinished'],
    [manifest.id, 'committed'],
  ]);
  await expect(readManifest(store, '20190101T000000Z-000001')).rejects.toMatchObject({ code: 'backup/not-found' });
});
