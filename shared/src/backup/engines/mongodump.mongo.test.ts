import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { compareCensus } from '../../checks/compare-census.ts';
import { GuardError } from '../../errors/guard-error.ts';
import { silentLog } from '../../log/log.ts';
import { takeCensus } from '../../mongo/census.ts';
import type { Connection } from '../../mongo/connect.ts';
import { Secret } from '../../redaction/secret.ts';
import { fillEveryKind } from '../../testing/every-kind.ts';
import { connectShared, dropDatabases, sharedUri, uniqueDatabase } from '../../testing/mongod.ts';
import { script, stockTool } from '../../testing/stock-tools.ts';
import { temporaryFolder, type TemporaryFolder } from '../../testing/temporary-folder.ts';
import type { CreateOptions } from '../create-options.ts';
import { createBackup } from '../create.ts';
import type { Manifest } from '../manifest.ts';
import { restoreBackup } from '../restore.ts';
import type { BackupStore } from '../store.ts';
import { directoryStore } from '../stores/directory.ts';
import { verifyBackup } from '../verify.ts';
import { mongodumpEngine } from './mongodump.ts';
import { restoreByMongorestore } from './mongorestore.ts';
import { openTool, type ToolAccess } from './mongo-tools.ts';

const database = uniqueDatabase('mongodump');
const copy = uniqueDatabase('mongodump_copy');
let connection: Connection;
let folder: TemporaryFolder;

beforeAll(async () => {
  connection = await connectShared();
  folder = await temporaryFolder();
  await fillEveryKind(connection.client.db(database));
  await stockTool('mongodump', folder.path);
  await stockTool('mongorestore', folder.path);
});

afterAll(async () => {
  await dropDatabases(connection.client, [database, copy]);
  await connection.client.close();
  await folder[Symbol.asyncDispose]();
});

const store = () => directoryStore(path.join(folder.path, 'backups'));

function access(over: Partial<ToolAccess> = {}): ToolAccess {
  const { signal } = new AbortController();
  return { uri: new Secret(sharedUri()), at: folder.path, env: { PATH: process.env['PATH'] }, log: silentLog, signal, ...over };
}

async function create(over: Partial<CreateOptions> = {}, tool: Partial<ToolAccess> = {}): Promise<Manifest> {
  return createBackup({
    connection,
    store: store(),
    selection: { databases: [database] },
    engine: await mongodumpEngine(access(tool)),
    log: silentLog,
    ...over,
  });
}

describe('a backup that mongodump reads', () => {
  test.each(['zstd', 'gzip', 'none'] as const)('is one of ours, with %s', async (compression) => {
    const manifest = await create({ compression });
    const native = await create({ compression, engine: undefined });
    expect(manifest.consistency.kind).toBe('quiescent');
    expect(manifest.tool.engine).toMatchObject({ name: 'mongodump', version: expect.any(String) });
    expect(manifest.digest).toEqual(native.digest);
    const described = (one: Manifest): unknown =>
      one.collections.map(({ name, type, options, indexes, digest }) => [name, type, options, indexes, digest]);
    expect(described(manifest)).toEqual(described(native));
    expect(manifest.collections.every(({ pointInTime, type }) => pointInTime || type === 'view')).toBe(true);
    await verifyBackup({ store: store(), backupId: manifest.id, log: silentLog });
  });

  test('fault 50: is restored exactly, by us and by mongorestore from an archive', async () => {
    const { id } = await create();
    const before = await takeCensus(connection.client, database, { digests: true });
    const renames = { mapNamespace: ({ collection }: { collection: string }) => ({ database: copy, collection }) };
    const options = { client: connection.client, store: store(), backupId: id, drop: false, log: silentLog, ...renames };
    for (const restore of [() => restoreBackup(options), () => restoreByMongorestore(options, access())]) {
      await dropDatabases(connection.client, [copy]);
      const { digest } = await restore();
      expect(digest).toEqual((await verifyBackup({ store: store(), backupId: id, log: silentLog })).digest);
      const after = await takeCensus(connection.client, copy, { digests: true });
      expect(compareCensus(before, { ...after, database })).toEqual([]);
    }
  });

  test('holds only what was asked for', async () => {
    const manifest = await create({ selection: { databases: [database], exclude: ['types'] } });
    expect(manifest.collections.map(({ name }) => name)).not.toContain('types');
    expect(manifest.collections.length).toBeGreaterThan(5);
  });

  test('fault 52: has the very bytes that we write ourselves, in their order', async () => {
    const bytesOf = async ({ id }: Manifest): Promise<ReadonlyMap<string, Buffer>> => {
      const files = (await store().files(`${id}/dump`)).map((file) => file.path);
      const read = files.map(async (file) => [file.replace(id, ''), (await store().read(file)) ?? Buffer.alloc(0)] as const);
      return new Map(await Promise.all(read));
    };
    const [theirs, ours] = [
      await bytesOf(await create({ compression: 'none' })),
      await bytesOf(await create({ compression: 'none', engine: undefined })),
    ];
    expect([...theirs.keys()]).toEqual([...ours.keys()]);
    expect(ours.size).toBeGreaterThan(30);
    for (const [file, bytes] of ours) expect(theirs.get(file)?.equals(bytes)).toBe(true);
  });

  test('fault 50: is a folder that mongorestore takes as it is', async () => {
    const manifest = await create({ compression: 'gzip', engine: undefined });
    await dropDatabases(connection.client, [database]);
    const dump = path.join(store().locate(manifest.id), 'dump');
    const tool = await openTool('mongorestore', access());
    const program = await tool.start([
      '--gzip',
      '--maintainInsertionOrder',
      '--stopOnError',
      '--bypassDocumentValidation',
      `--dir=${dump}`,
    ]);
    program.stdin.end();
    program.stdout.resume();
    await program.ended;
    const again = await create({ engine: undefined });
    expect(again.digest).toEqual(manifest.digest);
    const described = (one: Manifest): unknown =>
      one.collections.map(({ name, type, options, indexes }) => [name, type, options, indexes.toSorted()]);
    expect(described(again)).toEqual(described(manifest));
  });

  test('is refused a point in time that mongodump cannot give', async () => {
    await expect(create({ consistency: 'snapshot' })).rejects.toMatchObject({ code: 'backup/consistency-refused' });
  });

  test('fault 48: of a sharded cluster is refused, naming the engines that can', async () => {
    await expect(create({ connection: { ...connection, topology: 'sharded' } })).rejects.toMatchObject({
      code: 'engine/needed',
      remedy: expect.stringMatching(/pbm.*atlas/s),
    });
  });
});

describe('mongodump that fails', () => {
  let before: readonly string[];
  let bin: TemporaryFolder;

  beforeEach(async () => {
    before = await store().folders();
    bin = await temporaryFolder();
  });

  const tool = (commands: string): Promise<string> =>
    script(path.join(bin.path, 'mongodump'), `[ "$1" = --version ] && exec echo "mongodump version: 1"\n${commands}`);
  const real = (): string => path.join(folder.path, 'mongodump');

  test.each([
    ['with words', 'echo "Failed: no primary" >&2; exit 7', 'engine/failed', /exit code 7.*no primary/s],
    ['in the middle', '"$REAL" "$@" | head -c 3000; exit 2', 'engine/failed', /exit code 2/],
    ['and says that all is well', '"$REAL" "$@" | head -c 3000; exit 0', 'dump/incomplete', /archive/],
    ['to give one collection', 'exec "$REAL" "$@" --excludeCollection=types', 'engine/failed', /types/],
    ['to give anything', 'exit 0', 'dump/damaged', /archive/],
    ['to start', 'exec /nowhere/mongodump', 'engine/failed', /exit code 12[67]/],
  ])('%s is a clear failure and no backup', async (_name, commands, code, message) => {
    await tool(`REAL='${real()}'\n${commands}`);
    await expect(create({}, { at: bin.path })).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    expect(await store().folders()).toEqual(before);
    await bin[Symbol.asyncDispose]();
  });

  test('never, while the store does: that is said, and mongodump is ended', async () => {
    await tool(`REAL='${real()}'\n"$REAL" "$@"\nsleep 600`);
    const full = new GuardError('backup/no-space', 'The disk is full.');
    const failing: BackupStore = {
      ...store(),
      async openWriter(file, bytes) {
        const writer = await store().openWriter(file, bytes);
        return file.includes('indexed') ? { ...writer, write: () => Promise.reject(full) } : writer;
      },
    };
    await expect(create({ store: failing }, { at: bin.path })).rejects.toBe(full);
    expect(await store().folders()).toEqual(before);
    await bin[Symbol.asyncDispose]();
  });

  test('to be there is said', async () => {
    await expect(create({}, { at: bin.path })).rejects.toMatchObject({ code: 'engine/not-found' });
    await expect(create({}, { at: undefined, env: { PATH: bin.path } })).rejects.toMatchObject({ code: 'engine/not-found' });
    await writeFile(path.join(bin.path, 'mongodump'), 'not executable');
    await expect(create({}, { at: bin.path })).rejects.toMatchObject({ code: 'engine/not-found' });
    await bin[Symbol.asyncDispose]();
  });

  test('to end is ended by a cancel, with all that it started', async () => {
    const controller = new AbortController();
    await tool('sleep 600 &\necho $! >"$(dirname "$0")/child"\necho started >&2\nwait');
    const log = { ...silentLog, info: (line: string) => line.includes('started') && controller.abort(new Error('cancelled')) };
    const { signal } = controller;
    await expect(create({ signal }, { at: bin.path, log, signal })).rejects.toThrow('cancelled');
    expect(await store().folders()).toEqual(before);
    await bin[Symbol.asyncDispose]();
  });

  test('never has the password on its command line, in its environment or in the log', async () => {
    const said: string[] = [];
    const log = { ...silentLog, info: (line: string) => void said.push(line) };
    const uri = new Secret('mongodb://admin:s%65cret-word@127.0.0.1:1/shop?replicaSet=rs');
    await tool(
      `for a in "$@"; do echo "argument $a" >&2; case $a in --config=*) f="\${a#--config=}"; ls -l "$f" >&2; cat "$f" >&2; cp "$f" "$(dirname "$0")/seen";; esac; done; env >&2; exit 1`,
    );
    const env = { PATH: process.env['PATH'], INPUT_URI: uri.reveal() };
    await expect(create({}, { at: bin.path, uri, env, log })).rejects.toMatchObject({ code: 'engine/failed' });
    const text = said.join('\n');
    expect(text).toMatch(/-rw------- .*config\.yml/);
    expect(text).not.toContain('cret-word');
    expect(text).not.toContain('INPUT_URI');
    expect(await readFile(path.join(bin.path, 'seen'), 'utf8')).toBe(
      'uri: "mongodb://admin:s%65cret-word@127.0.0.1:1/?replicaSet=rs&authSource=shop"\n',
    );
    const config = /--config=(\S+)/.exec(text)?.[1] ?? '';
    await expect(readdir(path.dirname(config))).rejects.toMatchObject({ code: 'ENOENT' });
    await bin[Symbol.asyncDispose]();
  });
});

describe('mongorestore that fails', () => {
  const target = uniqueDatabase('mongorestore_fails');
  const renames = { mapNamespace: ({ collection }: { collection: string }) => ({ database: target, collection }) };
  let backupId: string;

  beforeAll(async () => {
    backupId = (await create({ engine: undefined })).id;
  });

  test.each([
    ['and quotes', 'echo "Failed: E11000 dup key: { _id: 4711 }" >&2; exit 1', 'engine/failed', /dup key: \{…\}$/],
    ['at once', 'echo "Failed: out of luck" >&2; exit 3', 'engine/failed', /exit code 3.*out of luck/s],
    ['after a part', 'head -c 2000 >/dev/null; exit 4', 'engine/failed', /exit code 4/],
    ['and says that all is well', 'cat >/dev/null; exit 0', 'restore/digest-mismatch', /not restore/],
  ])('%s is a clear failure, and leaves nothing', async (_name, commands, code, message) => {
    await using bin = await temporaryFolder();
    await script(path.join(bin.path, 'mongorestore'), `[ "$1" = --version ] && exec echo "mongorestore version: 1"\n${commands}`);
    const options = { client: connection.client, store: store(), backupId, drop: false, log: silentLog, ...renames };
    await expect(restoreByMongorestore(options, access({ at: bin.path }))).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
    expect(await connection.client.db(target).listCollections().toArray()).toEqual([]);
  });

  test('is not let to replace anything', async () => {
    const options = { client: connection.client, store: store(), backupId, log: silentLog };
    await expect(restoreByMongorestore({ ...options, drop: true }, access())).rejects.toMatchObject({ code: 'input/invalid' });
    await expect(restoreByMongorestore({ ...options, drop: false }, access())).rejects.toMatchObject({ code: 'restore/target-exists' });
    expect(await connection.client.db(database).collection('types').countDocuments()).toBeGreaterThan(0);
  });
});
