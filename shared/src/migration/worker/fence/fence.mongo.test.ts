import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { silentLog } from '../../../log/log.ts';
import type { Connection } from '../../../mongo/connect.ts';
import { makeCheckout } from '../../../testing/checkout.ts';
import { workerProgram } from '../../../testing/migration-worker.ts';
import { connectShared, dropDatabases, sharedUri, startMongod, uniqueDatabase } from '../../../testing/mongod.ts';
import { placeOfFault } from '../../fault-place.ts';
import { openProject } from '../../project.ts';
import type { CallResult } from '../protocol.ts';
import type { FencePolicy, Refusal } from './policy.ts';

let connection: Connection;
const names: string[] = [];
let reached = 0;
const server = createServer((_request, response) => {
  reached += 1;
  response.end('reached');
});
let web = '';

beforeAll(async () => {
  connection = await connectShared();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  web = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(async () => {
  await dropDatabases(connection.client, names);
  await connection.client.close();
  await new Promise((resolve) => server.close(resolve));
});

interface Tried {
  readonly result: CallResult | undefined;
  readonly loadError: string | undefined;
  readonly refusals: readonly Refusal[];
  readonly database: string;
}

/** Runs the `up` of one migration behind the fence. */
async function attempt(
  source: string,
  policy: Partial<FencePolicy> = {},
  env: Readonly<Record<string, string>> = {},
  prepare?: (folder: string) => Promise<void>,
): Promise<Tried> {
  const database = uniqueDatabase('fence');
  names.push(database);
  await using checkout = await makeCheckout({ 'migrations/1.mjs': source });
  await prepare?.(checkout.folder);
  await using project = await openProject({
    workspace: checkout.folder,
    folder: undefined,
    driver: 'auto',
    refuseForeignBson: false,
    program: workerProgram,
    env: { ...process.env, WEB: web, ...env },
    log: silentLog,
  });
  const copy = { uri: sharedUri(), copyHosts: [new URL(sharedUri()).host], databases: { shop: database, [database]: database } };
  const nothing = { mappedHosts: [], allowedHosts: [], allowedPrograms: [], appName: 'fence' };
  await project.worker.ask('watch', { policy: { ...copy, ...nothing, ...policy }, folder: project.folder });
  const relative = (): readonly Refusal[] =>
    project.worker.takeRefusals().map(({ kind, target, ...fault }) => ({ kind, target, ...placeOfFault(fault, checkout.folder) }));
  try {
    await project.load(project.files);
  } catch (error) {
    return { result: undefined, loadError: (error as Error).message, refusals: relative(), database };
  }
  await project.connect({ uri: sharedUri(), database, appName: 'fence' });
  const result = await project.worker.call({
    name: '1.mjs',
    direction: 'up',
    identity: { file: '1.mjs', direction: 'up', hash: '', run: 'r', holder: 'h', fence: 1, resume: false },
    throttle: { maxLagMilliseconds: 0, minOplogWindowMilliseconds: 0 },
  });
  return { result, loadError: undefined, refusals: relative(), database };
}

const up = (body: string, head = ''): string => `${head}\nexport const up = async (db, client) => {\n${body}\n};`;

describe('what is not the copy is refused, with file, line and target', () => {
  test.each([
    ['fetch', up(`await fetch('http://' + process.env.WEB);`), 'host', 3],
    [
      'http',
      up(
        `await new Promise((resolve, reject) => http.get('http://' + process.env.WEB, resolve).on('error', reject));`,
        `import http from 'node:http';`,
      ),
      'host',
      3,
    ],
    [
      'https',
      up(
        `await new Promise((resolve, reject) => https.get('https://' + process.env.WEB, resolve).on('error', reject));`,
        `import * as https from 'https';`,
      ),
      'host',
      3,
    ],
    [
      'http2',
      up(
        `await new Promise((resolve, reject) => http2.connect('http://' + process.env.WEB).on('error', reject).on('connect', resolve));`,
        `import http2 from 'http2';`,
      ),
      'host',
      3,
    ],
    [
      'a socket',
      up(
        `const [host, port] = process.env.WEB.split(':');\nawait new Promise((resolve, reject) => connect(Number(port), host, resolve).on('error', reject));`,
        `import { connect } from 'node:net';`,
      ),
      'host',
      4,
    ],
    [
      'TLS',
      up(
        `const [host, port] = process.env.WEB.split(':');\nawait new Promise((resolve, reject) => tls.connect({ host, port: Number(port) }, resolve).on('error', reject));`,
        `import tls from 'tls';`,
      ),
      'host',
      4,
    ],
    [
      'a WebSocket',
      up(
        `await new Promise((resolve, reject) => { const socket = new WebSocket('ws://' + process.env.WEB); socket.onopen = resolve; socket.onerror = reject; });`,
      ),
      'host',
      3,
    ],
    [
      'a datagram',
      up(
        `await new Promise((resolve, reject) => { const socket = createSocket('udp4'); socket.on('error', reject); socket.send('x', 9, '127.0.0.1', resolve); });`,
        `import { createSocket } from 'dgram';`,
      ),
      'host',
      3,
    ],
    [
      'a pipe',
      up(
        `await new Promise((resolve, reject) => connect('/var/run/docker.sock', resolve).on('error', reject));`,
        `import { connect } from 'net';`,
      ),
      'host',
      3,
    ],
    ['a name look-up', up(`await lookup('production.example.com');`, `import { lookup } from 'node:dns/promises';`), 'host', 3],
    [
      'a resolver',
      up(
        `await new Promise((resolve, reject) => new Resolver().resolve4('production.example.com', (error) => error ? reject(error) : resolve()));`,
        `import { Resolver } from 'dns';`,
      ),
      'host',
      3,
    ],
    ['a program', up(`execFileSync('mongosh', ['--eval', '1']);`, `import { execFileSync } from 'child_process';`), 'program', 3],
    [
      'a shell',
      up(
        `await promisify(exec)('curl ' + process.env.WEB);`,
        `import { exec } from 'node:child_process';\nimport { promisify } from 'util';`,
      ),
      'program',
      4,
    ],
    ['a fork', up(`fork('./other.js');`, `import { fork } from 'node:child_process';`), 'program', 3],
    ['a program in place of this one', up(`process.execve('/usr/bin/mongosh', ['mongosh']);`), 'program', 3],
    ['a thread', up(`new Worker('./other.js');`, `import { Worker } from 'node:worker_threads';`), 'thread', 3],
    ['another database', up(`await client.db('audit').collection('log').insertOne({ a: 1 });`), 'database', 3],
    ['a read of another database', up(`await client.db('audit').collection('log').find().toArray();`), 'database', 3],
    [
      '$out to another database',
      up(`await db.collection('a').aggregate([{ $out: { db: 'audit', coll: 'a' } }]).toArray();`),
      'database',
      3,
    ],
    [
      '$merge into another database',
      up(`await db.collection('a').aggregate([{ $merge: { into: { db: 'audit', coll: 'a' } } }]).toArray();`),
      'database',
      3,
    ],
    [
      'mapReduce into another database',
      up(
        `await db.command({ mapReduce: 'a', map: 'function () { emit(1, 1); }', reduce: 'function () { return 1; }', out: { replace: 'a', db: 'audit' } });`,
      ),
      'database',
      3,
    ],
    ['operations of the oplog', up(`await db.command({ applyOps: [{ op: 'i', ns: 'audit.a', o: { _id: 1 } }] });`), 'database', 3],
    ['a rename to another database', up(`await db.admin().command({ renameCollection: 'x.a', to: 'audit.a' });`), 'database', 3],
    ['the drop of the database', up(`await db.dropDatabase();`), 'drop', 3],
    ['users', up(`await db.command({ createUser: 'x', pwd: 'x', roles: [] });`), 'users', 3],
    ['a parameter of the server', up(`await db.admin().command({ setParameter: 1, notablescan: true });`), 'database', 3],
  ])('%s', async (_how, source, kind, line) => {
    const { result, refusals } = await attempt(source);
    expect(result?.fault?.message).toContain('the rehearsal refused');
    const [refusal] = refusals;
    expect(refusal?.target).not.toBe('');
    expect(refusal).toMatchObject({ kind, file: 'migrations/1.mjs' });
    if (refusal?.line !== undefined) expect(refusal.line).toBe(line);
    expect(reached).toBe(0);
  });

  test('a client from an environment variable is told by the line that uses it', async () => {
    const source = up(
      `await other.db('shop').collection('a').insertOne({ a: 1 });`,
      `import { MongoClient } from 'mongodb';\nconst other = new MongoClient(process.env.PRODUCTION);`,
    );
    const { result, refusals } = await attempt(source, {}, { PRODUCTION: 'mongodb://user:secret@127.0.0.1:1/shop' });
    expect(result?.fault?.message).toBe('the rehearsal refused a connection to 127.0.0.1:1, which is not the copy');
    expect(refusals).toEqual([{ kind: 'host', target: '127.0.0.1:1', file: 'migrations/1.mjs', line: 4, column: expect.any(Number) }]);
  });

  test('a connection at the top level fails the file', async () => {
    const { loadError, refusals } = await attempt(`await fetch('http://' + process.env.WEB);\nexport const up = async () => {};`);
    expect(loadError).toContain('1.mjs');
    expect(refusals).toMatchObject([{ kind: 'host', target: web, file: 'migrations/1.mjs', line: 1 }]);
  });

  test('a refusal that is caught stays known, and the migration has failed', async () => {
    const { result, refusals } = await attempt(up(`await fetch('http://' + process.env.WEB).catch(() => undefined);`));
    expect(result?.fault?.message).toContain('the rehearsal refused');
    expect(refusals).toHaveLength(1);
  });
});

describe('what is allowed or mapped', () => {
  test('an allowed host is reached, and an allowed program starts', async () => {
    const source = up(
      `const text = await (await fetch('http://' + process.env.WEB)).text();\nawait db.collection('a').insertOne({ text, node: execFileSync(process.execPath, ['-p', '1 + 1']).toString() });`,
      `import { execFileSync } from 'node:child_process';`,
    );
    const { result, refusals, database } = await attempt(source, { allowedHosts: [web], allowedPrograms: ['node'] });
    expect(result?.fault).toBeUndefined();
    expect(refusals).toEqual([]);
    expect(
      await connection.client
        .db(database)
        .collection('a')
        .findOne({}, { projection: { _id: 0 } }),
    ).toEqual({ text: 'reached', node: '2\n' });
    reached = 0;
  });

  test.each(['bundled', 'mongodb', 'mongodb6', 'mongodb5', 'mongodb4'])(
    'a client of a mapped host, with other credentials and TLS, gets the copy and is observed (%s driver)',
    async (driver) => {
      const source = up(
        `const other = new MongoClient(process.env.PRODUCTION, { tls: true, replicaSet: 'other' });\nawait other.connect();\nawait other.db().collection('a').insertOne({ _id: 1 });\nawait other.db('shop').collection('a').insertOne({ _id: 2 });\nawait other.close();`,
        `import { MongoClient } from 'mongodb';`,
      );
      const policy = { mappedHosts: ['*.example.net'] };
      const env = { PRODUCTION: 'mongodb+srv://user:secret@production.example.net/shop' };
      const { result, refusals, database } = await attempt(
        source,
        policy,
        env,
        driver === 'bundled' ? undefined : (folder) => installDriver(folder, driver),
      );
      expect({ fault: result?.fault, refusals }).toEqual({ fault: undefined, refusals: [] });
      expect(await connection.client.db(database).collection('a').countDocuments()).toBe(2);
      const statements = result?.observation?.statements ?? [];
      expect(new Set(statements.map(({ command, collection }) => `${command} ${collection}`))).toEqual(new Set(['insert a']));
      expect(statements.reduce((sum, { commands, inserted }) => sum + commands + inserted, 0)).toBe(4);
    },
  );

  test('the driver that another package brings along is mapped too', async () => {
    const source = up(`await mapper.insert(process.env.PRODUCTION);`, `import mapper from 'mapper';`);
    const { result, refusals, database } = await attempt(
      source,
      { mappedHosts: ['*.example.net'] },
      { PRODUCTION: 'mongodb+srv://user:secret@production.example.net/shop' },
      async (folder) => {
        const mapper = path.join(folder, 'node_modules/mapper');
        await mkdir(mapper, { recursive: true });
        await installDriver(mapper, 'mongodb6');
        const body = `const client = new MongoClient(uri); await client.db().collection('a').insertOne({ _id: 1 }); await client.close();`;
        await writeFile(
          path.join(mapper, 'index.js'),
          `const { MongoClient } = require('mongodb'); exports.insert = async (uri) => { ${body} };`,
        );
      },
    );
    expect({ fault: result?.fault, refusals }).toEqual({ fault: undefined, refusals: [] });
    expect(await connection.client.db(database).collection('a').countDocuments()).toBe(1);
  });

  test('the name of the source leads to the copy on the client that is given too', async () => {
    const { result, database } = await attempt(up(`await client.db('shop').collection('a').insertOne({ _id: 1 });`));
    expect(result?.fault).toBeUndefined();
    expect(await connection.client.db(database).collection('a').countDocuments()).toBe(1);
  });

  test('harmless commands, renames within the copy and transactions go through', async () => {
    const { result } = await attempt(
      up(`await db.admin().ping();
await db.collection('a').insertOne({ _id: 1 });
await db.collection('a').rename('b');
await db.admin().command({ serverStatus: 1 });
await client.withSession((session) => session.withTransaction(() => db.collection('b').insertOne({ _id: 2 }, { session })));
await db.collection('b').aggregate([{ $out: 'c' }]).toArray();`),
    );
    expect(result?.fault).toBeUndefined();
  });

  test('the profiler of the rehearsal is not listed', async () => {
    const { result, database } = await attempt(
      up(`await db.createCollection('system.profile', { capped: true, size: 1e6 });
await db.collection('a').insertOne({ _id: 1 });
const names = async (filter) => (await db.listCollections(filter).toArray()).map(({ name }) => name);
await db.collection('seen').insertOne({ all: await names(), one: await names({ name: 'a' }) });`),
    );
    expect(result?.fault).toBeUndefined();
    expect(
      await connection.client
        .db(database)
        .collection('seen')
        .findOne({}, { projection: { _id: 0 } }),
    ).toEqual({ all: ['a'], one: ['a'] });
  });

  test('unacknowledged writes to another database are refused too', async () => {
    const { refusals } = await attempt(up(`await client.db('audit').collection('log').insertOne({ a: 1 }, { writeConcern: { w: 0 } });`));
    expect(refusals).toMatchObject([{ kind: 'database', target: 'audit.log' }]);
  });

  test('another server stays untouched', async () => {
    await using other = await startMongod({ kind: 'standalone' });
    const { refusals } = await attempt(
      up(
        `const client2 = await MongoClient.connect(process.env.OTHER);\nawait client2.db('shop').collection('a').insertOne({});`,
        `import { MongoClient } from 'mongodb';`,
      ),
      {},
      { OTHER: other.uri },
    );
    expect(refusals).toMatchObject([{ kind: 'host', target: new URL(other.uri).host, line: 3 }]);
  });
});

/** Installs a driver of this repository in a checkout. */
async function installDriver(folder: string, name: string): Promise<void> {
  const driver = import.meta.dirname.replace(/shared[\\/]src.*$/, `node_modules/${name}`);
  await mkdir(path.join(folder, 'node_modules'), { recursive: true });
  await symlink(driver, path.join(folder, 'node_modules/mongodb'), 'junction');
}
