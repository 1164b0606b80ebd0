import { describe, expect, test } from '@jest/globals';
import { fileRules, folderRules } from './rules/all.ts';
import { lint, type LintFinding } from './run.ts';
import { noSettings, type LintSettings } from './settings.ts';

/** Findings of one migration. */
function lintText(text: string, settings: Partial<LintSettings> = {}, file = 'migrations/1.mjs'): readonly LintFinding[] {
  return lint([{ file, text }], [], { ...noSettings, ...settings });
}

const codes = (findings: readonly LintFinding[]): readonly string[] => findings.map(({ code }) => code);

describe('every rule', () => {
  test.each(fileRules.map((rule) => [rule.code, rule] as const))(
    '%s finds its bad example and nothing else',
    (code, { bad, severity, settings }) => {
      expect(lintText(bad, settings).map((found) => [found.code, found.severity])).toEqual([[code, severity]]);
    },
  );

  test.each(fileRules.map((rule) => [rule.code, rule] as const))(
    '%s and all others are content with its good example',
    (_code, { good, settings }) => {
      expect(lintText(good, settings)).toEqual([]);
    },
  );

  test.each(folderRules.map((rule) => [rule.code, rule] as const))('%s knows bad and good names', (_code, rule) => {
    expect(rule.checkNames(rule.badNames)).toHaveLength(1);
    expect(rule.checkNames(rule.goodNames)).toEqual([]);
  });

  test('has a code and a file of its own', () => {
    const all = [...fileRules, ...folderRules].map(({ code }) => code);
    expect(new Set(all).size).toBe(all.length);
  });
});

const down = 'export const down = async (db) => { await db.collection("undo").updateOne({ _id: 1 }, { $set: { a: 1 } }); };';
const up = (body: string): string => `export const up = async (db, client) => {\n${body}\n};\n${down}`;

describe('the driver is recognised', () => {
  test.each([
    ['in a variable', `const orders = db.collection('orders');\nawait orders.deleteMany({});`],
    ['on a client', `await client.db().collection('orders').deleteMany({});`],
    ['with a constant filter', `const all = {};\nawait db.collection('orders').deleteMany(all);`],
    ['in a bulk write', `await db.collection('orders').bulkWrite([{ deleteMany: { filter: {} } }]);`],
    ['in a helper', `const clear = (database) => database.collection('orders').deleteMany({});\nawait clear(db);`],
    ['under another name', `const { log } = console;\nconst target = db;\nawait target.collection('orders').deleteMany();`],
  ])('%s', (_how, body) => {
    expect(codes(lintText(up(body)))).toEqual(['MD103']);
  });

  test.each([
    [
      'CommonJS',
      '1.js',
      `module.exports = { async up(database2) { await database2.collection('a').deleteMany({}); }, down: async (db) => { await db.collection('a').insertOne({}); } };`,
    ],
    [
      'exports',
      '1.cjs',
      `exports.up = async (d) => { await d.collection('a').deleteMany({}); };\nexports.down = (d) => d.collection('a').insertOne({});`,
    ],
    [
      'a default export',
      '1.mjs',
      `export default { up: async (d) => { await d.collection('a').deleteMany({}); }, down: (d) => d.collection('a').insertOne({}) };`,
    ],
    [
      'a class',
      '1.ts',
      `import { Db } from 'mongodb';\nexport class A { constructor(private readonly db: Db) {}\n async up(): Promise<void> { await this.db.collection('a').deleteMany({}); }\n async down(): Promise<void> { await this.db.collection('a').insertOne({}); } }`,
    ],
    [
      'a list of exports',
      '1.mjs',
      `async function up(d) { await d.collection('a').deleteMany({}); }\nasync function down(d) { await d.collection('a').insertOne({}); }\nexport { up, down };`,
    ],
  ])('in %s', (_shape, name, text) => {
    expect(codes(lintText(text, {}, `migrations/${name}`))).toEqual(['MD103']);
  });

  test('what only down does is its business', () => {
    const undo = `async function clear(db) { await db.collection('a').drop(); }\nexport const up = async (db) => { await db.createCollection('a'); };\nexport const down = async (db) => { await clear(db); await db.collection('b').deleteMany({}); };`;
    expect(lintText(undo)).toEqual([]);
  });
});

describe('single rules', () => {
  test.each([
    ['a filter that is added to', `const filter = {};\nfilter.old = true;\nawait db.collection('a').deleteMany(filter);`, []],
    ['a promise in a variable', `const done = db.collection('a').insertOne({});\nawait done;`, []],
    ['a promise in a variable that nobody reads', `const done = db.collection('a').insertOne({});`, ['MS601']],
    ['an async forEach', `[1, 2].forEach(async (n) => { await db.collection('a').insertOne({ n }); });`, ['MS601']],
    ['a map without Promise.all', `await Promise.all([1, 2].map((n) => db.collection('a').insertOne({ n })));`, []],
    ['a helper that nobody waits for', `const fill = async () => { await db.collection('a').insertOne({}); };\nfill();`, ['MS601']],
    ['a chain that nobody waits for', `db.collection('a').insertOne({}).then(() => console.log('done'));`, ['MS601']],
    [
      'a TTL index on a new collection',
      `await db.createCollection('a');\nawait db.collection('a').createIndex({ at: 1 }, { expireAfterSeconds: 9 });`,
      [],
    ],
    [
      'a rename by a pipeline',
      `await db.collection('a').updateMany({ b: { $exists: true } }, [{ $set: { c: '$b' } }, { $unset: 'b' }]);`,
      ['MC201'],
    ],
    [
      'a rename in the code of the file',
      `for await (const doc of db.collection('a').find({ b: 1 })) await db.collection('a').updateOne({ _id: doc._id }, { $set: { c: doc.b }, $unset: { b: '' } });`,
      ['MC201'],
    ],
    [
      'a field that is moved to another collection',
      `for await (const { _id, b } of db.collection('a').find({ b: { $exists: true } })) await db.collection('c').insertOne({ a: _id, b });\nawait db.collection('a').updateMany({ b: { $exists: true } }, { $unset: { b: '' } });`,
      [],
    ],
    [
      'a field that is only deleted',
      `const seen = {};\ndelete seen.b;\nawait db.collection('a').updateMany({ b: { $exists: true } }, { $unset: { b: '' } });`,
      ['MD104'],
    ],
    [
      'a session from startSession',
      `const session = client.startSession();\nsession.startTransaction();\nawait db.collection('a').insertOne({ b: 1 });\nawait session.commitTransaction();`,
      ['MT503'],
    ],
    ['a written connection string', 'const uri = `mongodb://${1}`;\nconsole.log(uri);', ['MS607']],
    ['the end of the process', `process.exit(1);`, ['MS607']],
    ['one name for all', "await db.collection('a').updateMany({ k: null }, { $set: { k: `key-${Date.now()}` } });", ['MS604']],
    ['the time of the change', `await db.collection('a').updateMany({ k: null }, { $set: { changedAt: new Date() } });`, []],
    ['a projection in an update', `await db.collection('a').updateMany({ k: 1 }, [{ $project: { k: 1 } }]);`, ['MD104']],
    [
      'a replaced root that keeps all',
      `await db.collection('a').updateMany({ k: 1 }, [{ $replaceWith: { $mergeObjects: ['$$ROOT', { k: 2 }] } }]);`,
      [],
    ],
    ['an index of a big collection', `await db.collection('events').createIndex({ at: 1 });`, ['MP405'], { bigCollections: ['events'] }],
    [
      'a unique index without the shard key',
      `await db.collection('orders').createIndex({ number: 1 }, { unique: true });`,
      ['MX801'],
      { shardKeys: { orders: ['tenant'] } },
    ],
    ['a fetch', `const answer = await fetch('https://example.org');\nawait db.collection('a').insertOne({ ok: answer.ok });`, ['MS608']],
  ] as const)('%s', (_what, body, expected, settings: Partial<LintSettings> = {}) => {
    expect(codes(lintText(up(body), settings))).toEqual(expected);
  });

  test.each([
    ['throws', `throw new Error('no');`],
    ['rejects', `return Promise.reject(new Error('no'));`],
  ])('a down that only %s', (_what, body) => {
    const change = `export const up = async (db) => { await db.collection('a').insertOne({ b: 1 }); };`;
    expect(codes(lintText(`${change}\nexport function down() { ${body} }`))).toEqual(['MS602']);
  });

  test('names that sort otherwise than they count', () => {
    const found = folderRules.flatMap((rule) => rule.checkNames(['1-a.js', '9-b.js', '10-c.js']));
    expect(found.map(({ name }) => name)).toEqual(['9-b.js']);
  });

  test('a callback of old takes the place of await', () => {
    const text = `module.exports = { up(db, next) { db.collection('a').insertOne({ b: 1 }, next); }, down(db, next) { db.collection('a').deleteOne({ b: 1 }).then(() => next()); } };`;
    expect(lintText(text, {}, 'migrations/1.js')).toEqual([]);
  });
});
