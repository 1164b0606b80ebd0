import { mkdir, open, readdir, readlink } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { temporaryFolder, type TemporaryFolder } from '../../testing/temporary-folder.ts';
import { directoryStore } from './directory.ts';
import { LateSync } from './late-sync.ts';

let folder: TemporaryFolder;

beforeEach(async () => {
  folder = await temporaryFolder();
});

afterEach(async () => folder[Symbol.asyncDispose]());

/** The files in the folder that this process holds open, as Linux tells them. */
async function openFiles(): Promise<readonly string[]> {
  const all = await readdir('/proc/self/fd');
  const targets = await Promise.all(all.map((one) => readlink(`/proc/self/fd/${one}`).catch(() => '')));
  return targets.filter((target) => target.startsWith(folder.path)).map((target) => path.relative(folder.path, target));
}

describe('files of a folder that become safe together', () => {
  test('can be read before, and some of them at most are open', async () => {
    const store = directoryStore(folder.path);
    for (let number = 0; number < 150; number++) {
      await store.put(`id/small/${number}`, `${number}`, { secureLater: true });
      expect((await openFiles()).length).toBeLessThan(64);
    }
    expect((await openFiles()).length).toBeGreaterThan(0);
    expect((await store.read('id/small/149'))?.toString()).toBe('149');
    await store.secure();
    expect(await openFiles()).toEqual([]);
    expect(await store.files('id')).toHaveLength(150);
  });

  test('are let go of when they are removed, or given up', async () => {
    const store = directoryStore(folder.path);
    await store.put('id/a/1', 'x', { secureLater: true });
    await store.put('id/ab', 'x', { secureLater: true });
    const writer = await store.openWriter('id/c');
    await writer.close();
    expect((await openFiles()).toSorted()).toEqual(['id/a/1', 'id/ab', 'id/c']);
    await store.remove('id/a');
    await writer.abort();
    expect(await openFiles()).toEqual(['id/ab']);
    await store.remove('id');
    await store.secure();
    expect(await openFiles()).toEqual([]);
    expect(await readdir(folder.path)).toEqual([]);
  });

  test('one that the system cannot keep is an error that names it, and the others are closed', async () => {
    const late = new LateSync();
    await mkdir(path.join(folder.path, 'id'));
    for (const name of ['id/1', 'id/2']) {
      const file = path.join(folder.path, name);
      const handle = await open(file, 'w');
      if (name === 'id/1') await handle.close();
      await late.add({ file, name, handle, folders: [path.dirname(file)] });
    }
    await expect(late.finish()).rejects.toMatchObject({ code: 'backup/store-failed', message: 'Writing id/1: EBADF.' });
    expect(await openFiles()).toEqual([]);
  });
});
