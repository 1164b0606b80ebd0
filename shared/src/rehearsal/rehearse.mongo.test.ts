import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { MongoClient, type Db } from 'mongodb';
import type { EmbeddedServer } from '../embedded/server.ts';
import { connect, type Connection } from '../mongo/connect.ts';
import { Secret } from '../redaction/secret.ts';
import { startMongod, uniqueDatabase } from '../testing/mongod.ts';
import { rehearseOn } from '../testing/rehearsal-run.ts';
import type { RehearsedFile } from './room.ts';

let server: EmbeddedServer;
let connection: Connection;

beforeAll(async () => {
  server = await startMongod({ kind: 'replica-set', members: 1 });
  connection = await connect(new Secret(server.uri));
});

afterAll(async () => {
  await connection.client.close();
  await server.stop();
});

async function shop(): Promise<Db> {
  const db = connection.client.db(uniqueDatabase('rehearse'));
  await db.collection<{ _id: number }>('orders').insertMany(Array.from({ length: 90 }, (_, _id) => ({ _id, total: _id, status: 'open' })));
  await db.collection<{ _id: number }>('customers').insertMany([{ _id: 1 }, { _id: 2 }]);
  return db;
}

interface Told {
  readonly rules: readonly string[];
  readonly file: RehearsedFile | undefined;
  readonly collectionsRead: number;
}

async function rehearsal(source: string, halfDoneUnder = 0): Promise<Told> {
  const { files, findings, reading } = await rehearseOn(await shop(), { uri: server.uri, files: { '1.mjs': source }, halfDoneUnder });
  return { rules: findings.map(({ rule }) => rule), file: files[0], collectionsRead: reading.collections };
}

const addField = `export const up = async (db) => { await db.collection('orders').updateMany({ _id: { $lt: 45 } }, { $set: { currency: 'YER' }, $unset: { status: '' } }); };
export const down = async (db) => { await db.collection('orders').updateMany({ _id: { $lt: 45 } }, { $unset: { currency: '' }, $set: { status: 'open' } }); };`;

describe('what is told of an up', () => {
  test('documents, fields, commands with line and plan, and the oplog', async () => {
    const { file } = await rehearsal(addField);
    expect(file?.effects).toMatchObject([
      {
        collection: 'orders',
        before: { documents: 90 },
        after: { documents: 90 },
        contents: {
          changed: 45,
          fields: [
            { path: 'status', change: 'removed', types: 'string', documents: 45 },
            { path: 'currency', change: 'added', types: 'string', documents: 45 },
          ],
          samples: [{ id: '0', changes: ['status: string of 4 → nothing', 'currency: nothing → string of 3'] }, {}, {}],
        },
      },
    ]);
    const [statement] = file?.first?.observation.statements ?? [];
    expect(statement).toMatchObject({
      command: 'update',
      collection: 'orders',
      filter: '_id.$lt',
      matched: 45,
      modified: 45,
      place: { line: 1 },
    });
    expect(statement?.change).toEqual(['$set currency', '$unset status']);
    expect(file?.first?.plans).toMatchObject([{ kind: 'update', plan: 'IXSCAN { _id: 1 }', keysExamined: 45, documentsExamined: 45 }]);
    expect(file?.first?.changes?.oplogBytes.get('orders')).toBeGreaterThan(45 * 50);
    expect(JSON.stringify(file)).not.toContain('YER');
  });

  test('indexes, validators and options; a renamed collection is followed', async () => {
    const { file } = await rehearsal(`export const up = async (db) => {
      await db.collection('orders').createIndex({ total: 1 });
      await db.command({ collMod: 'orders', validator: { total: { $gte: 0 } } });
      await db.collection('customers').rename('people');
    };`);
    const people = file?.effects.find(({ collection }) => collection === 'people');
    const orders = file?.effects.find(({ collection }) => collection === 'orders');
    expect(people).toMatchObject({ renamedFrom: 'customers', before: { documents: 2 }, after: { documents: 2 } });
    expect(orders?.indexesAdded).toHaveLength(1);
    expect(orders?.options?.after).toContain('validator');
  });

  test('transactions with their time and size', async () => {
    const { file } =
      await rehearsal(`export const up = (db, client) => client.withSession((session) => session.withTransaction(async () => {
      await db.collection('orders').updateMany({}, { $set: { a: 1 } }, { session });
      await db.collection('customers').insertOne({ _id: 3 }, { session });
    }));`);
    expect(file?.first?.observation.transactions).toMatchObject([{ commands: 3, documents: 91, committed: true }]);
    expect(file?.first?.changes?.oplogBytes.get('transactions')).toBeGreaterThan(1_000);
  });
});

describe('what differs by nature', () => {
  test('is listed and no fault', async () => {
    const { rules, file } = await rehearsal(`export const up = async (db) => {
      await db.collection('logs').insertMany([{ at: new Date(), what: 'a' }, { at: new Date(), what: 'b' }]);
    };
    export const down = async (db) => { await db.collection('logs').drop(); };`);
    expect(rules).toEqual([]);
    expect(file?.natural).toEqual(['logs: _id (generated id) in 2 documents']);
  });
});

describe('only what was touched is read again', () => {
  test('and what was not is read once more at the end', async () => {
    // Two at first, one after each of up, down and up again, the other one at the end.
    expect(await rehearsal(addField)).toMatchObject({ rules: [], collectionsRead: 6 });
  });

  test('a write that came from elsewhere is found', async () => {
    const db = await shop();
    const files = { '1.mjs': addField };
    let disturbed = false;
    const { findings } = await rehearseOn(db, {
      uri: server.uri,
      files,
      now: () => {
        if (!disturbed) void db.collection('customers').insertOne({});
        disturbed = true;
        return new Date();
      },
    });
    expect(findings.map(({ rule }) => rule)).toContain('rehearsal/down-not-exact');
  });

  test('a write behind the last look at the oplog is found at the end', async () => {
    await using client = new MongoClient(server.uri, { monitorCommands: true });
    const db = client.db((await shop()).databaseName);
    // Two questions to the oplog after each of up, down and up again.
    let asked = 0;
    client.on('commandStarted', ({ command }) => {
      if (command['aggregate'] !== 'oplog.rs') return;
      asked += 1;
      if (asked === 5) void db.collection('customers').insertOne({});
    });
    const { findings } = await rehearseOn(db, { uri: server.uri, files: { '1.mjs': addField } });
    expect(asked).toBe(6);
    expect(findings).toMatchObject([
      { severity: 'error', rule: 'rehearsal/copy-disturbed', message: expect.stringContaining('customers') },
    ]);
  });

  test('a standalone server, which tells nothing, is read wholly each time', async () => {
    await using standalone = await startMongod({ kind: 'standalone' });
    await using other = await connect(new Secret(standalone.uri));
    const db = other.client.db('shop');
    await db.collection<{ _id: number }>('orders').insertMany(Array.from({ length: 90 }, (_, _id) => ({ _id, status: 'open' })));
    const { findings, files } = await rehearseOn(db, { uri: standalone.uri, files: { '1.mjs': addField } });
    expect(findings).toEqual([]);
    expect(files[0]?.effects).toMatchObject([{ contents: { changed: 45 } }]);
  });
});

describe('a file that fails in the middle', () => {
  const loop = (change: string, back: string, head = ''): string => `${head}
export const up = async (db) => { for (let _id = 0; _id < 6; _id++) await db.collection('orders').updateOne({ _id }, ${change}); };
export const down = async (db) => { for (let _id = 0; _id < 6; _id++) await db.collection('orders').updateOne({ _id }, ${back}); };`;

  test('and may run again is told', async () => {
    const { file, rules } = await rehearsal(loop('{ $set: { a: 1 } }', "{ $unset: { a: '' } }"), 60_000);
    expect({ rules, halfDone: file?.halfDone }).toEqual({
      rules: [],
      halfDone: [1, 3, 5].map((after) => ({ after, of: 6, ignored: false, again: 'same data' })),
    });
  });

  test('and does too much in the second run is told, with what down does then', async () => {
    const { file, rules } = await rehearsal(loop('{ $inc: { total: 1 } }', '{ $inc: { total: -1 } }'), 60_000);
    expect(rules).toEqual([]);
    expect(file?.halfDone).toEqual([{ after: 1, of: 6, ignored: false, again: 'other data', down: 'not exact' }]);
  });

  test('and goes on as if all was well has a finding', async () => {
    const { rules } = await rehearsal(
      `export const up = async (db) => { for (const _id of [1, 2, 3, 4]) await db.collection('orders').updateOne({ _id }, { $set: { a: 1 } }).catch(() => console.log('skipped')); };
export const down = async (db) => { await db.collection('orders').updateMany({}, { $unset: { a: '' } }); };`,
      60_000,
    );
    expect(rules).toEqual(['rehearsal/errors-ignored']);
  });

  test('what earlier files made anew is no difference', async () => {
    const { files, findings } = await rehearseOn(await shop(), {
      uri: server.uri,
      halfDoneUnder: 60_000,
      files: {
        '1.mjs': `export const up = (db) => db.collection('orders').updateMany({}, { $set: { madeAt: new Date(), key: crypto.randomUUID() } });
export const down = (db) => db.collection('orders').updateMany({}, { $unset: { madeAt: '', key: '' } });`,
        '2.mjs': loop('{ $set: { a: 1 } }', "{ $unset: { a: '' } }"),
        '3.mjs': loop('{ $inc: { total: 1 } }', '{ $set: { total: _id } }'),
      },
    });
    expect(findings).toEqual([]);
    expect(
      files.map(({ halfDone = [] }) => halfDone.map(({ again, down }) => (down === undefined ? again : `${again}, down: ${down}`))),
    ).toEqual([
      [],
      ['same data', 'same data', 'same data'],
      ['other data, down: exact', 'other data, down: exact', 'other data, down: exact'],
    ]);
  });

  test('and says that it is idempotent has a finding', async () => {
    const { rules } = await rehearsal(loop('{ $inc: { total: 1 } }', '{ $inc: { total: -1 } }', 'export const idempotent = true;'), 60_000);
    expect(rules).toEqual(['rehearsal/not-resumable']);
  });
});
