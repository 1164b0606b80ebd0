import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { temporaryFolder } from '../../testing/temporary-folder.ts';
import { directoryStore } from './directory.ts';
import { silentLog } from '../../log/log.ts';
import { openStore } from './open.ts';

const access = { env: {}, idToken: () => Promise.reject(new Error('no token')), log: silentLog };

describe('a folder as a store', () => {
  test('keeps what is written, and reads wholes and ranges', async () => {
    await using folder = await temporaryFolder();
    const store = await openStore(path.join('new', 'store'), { ...access, workspace: folder.path });
    const writer = await store.openWriter('id/dump/a.bson');
    await writer.write(Buffer.from('hello '));
    await writer.write(Buffer.from('world'));
    await writer.close();
    expect((await store.read('id/dump/a.bson'))?.toString()).toBe('hello world');
    expect((await store.read('id/dump/a.bson', { offset: 6, bytes: 3 }))?.toString()).toBe('wor');
    expect((await store.read('id/dump/a.bson', { offset: 6, bytes: 300 }))?.toString()).toBe('world');
    expect(await store.read('id/dump/b.bson')).toBeUndefined();
    expect(await store.read('id/dump/b.bson', { offset: 0, bytes: 1 })).toBeUndefined();
    expect(await store.freeBytes()).toBeGreaterThan(0);
  });

  test('lists folders and files, and removes them', async () => {
    await using folder = await temporaryFolder();
    const store = directoryStore(folder.path);
    await store.put('b/x/1', 'one');
    await store.put('b/2', 'to');
    await store.put('a/1', '');
    await writeFile(path.join(folder.path, 'file'), '');
    expect(await store.folders()).toEqual(['a', 'b']);
    expect(await store.files('b')).toEqual([
      { path: 'b/2', bytes: 2 },
      { path: 'b/x/1', bytes: 3 },
    ]);
    await store.remove('b');
    await store.remove('b');
    expect(await store.folders()).toEqual(['a']);
    expect(await store.files('b')).toEqual([]);
  });

  test('leaves nothing of a file that is given up, and no temporary files', async () => {
    await using folder = await temporaryFolder();
    const store = directoryStore(folder.path);
    const writer = await store.openWriter('id/part');
    await writer.write(Buffer.from('x'));
    await writer.abort();
    await store.put('id/whole', 'x');
    await expect(store.put('id/whole', 'y', { onlyNew: true })).rejects.toMatchObject({ code: 'store/exists' });
    await store.put('id/whole', 'z');
    expect((await store.read('id/whole'))?.toString()).toBe('z');
    expect(await readdir(path.join(folder.path, 'id'))).toEqual(['whole']);
    // As a run leaves it that is killed between the two names of a file.
    await writeFile(path.join(folder.path, 'id', '.0b1e3f52-7a11-4f0e-9d38-5a3c1e0b7c11.part'), 'z');
    expect((await store.files('id')).map((file) => file.path)).toEqual(['id/whole']);
  });

  test('that does not exist is empty', async () => {
    await using folder = await temporaryFolder();
    const store = directoryStore(path.join(folder.path, 'absent'));
    expect(await store.folders()).toEqual([]);
    expect(await store.freeBytes()).toBeGreaterThan(0);
  });

  test.each(['../outside', 'id/../../outside', '/etc/passwd', ''])('does not follow %j out of itself', async (escape) => {
    await using folder = await temporaryFolder();
    await expect(directoryStore(folder.path).put(escape, 'x')).rejects.toMatchObject({ code: 'backup/incomplete' });
  });

  test('says what is wrong when it cannot be written', async () => {
    await using folder = await temporaryFolder();
    await writeFile(path.join(folder.path, 'file'), '');
    await mkdir(path.join(folder.path, 'folder'));
    const store = directoryStore(folder.path);
    await expect(store.openWriter('file/a')).rejects.toMatchObject({
      code: 'backup/store-failed',
      message: expect.stringMatching(/file\/a: E/),
    });
    await expect(store.read('folder')).rejects.toMatchObject({ code: 'backup/store-failed' });
  });
});

test.each([
  ['ftp://host/folder', 'backup/store-unsupported'],
  ['s3://', 'input/invalid'],
  ['s3://UPPER/prefix', 'input/invalid'],
])('%s is refused as a store: %s', async (location, code) => {
  await expect(openStore(location, { ...access, workspace: '/' })).rejects.toMatchObject({ code });
});
