import { describe, expect, test } from '@jest/globals';
import { BSON } from 'mongodb';
import { foreignTarget } from './commands.ts';

const allowed = new Set(['shop']);

/** A message as drivers send it: flags, the command, and lists of documents beside it. */
function message(command: object, sequences: Readonly<Record<string, readonly object[]>> = {}): Buffer {
  const sections = [Buffer.from([0]), Buffer.from(BSON.serialize(command))];
  for (const [name, documents] of Object.entries(sequences)) {
    const content = Buffer.concat([Buffer.from(`${name}\0`), ...documents.map((document) => BSON.serialize(document))]);
    const length = Buffer.alloc(4);
    length.writeInt32LE(content.length + 4);
    sections.push(Buffer.from([1]), length, content);
  }
  const header = Buffer.alloc(20);
  header.writeInt32LE(2013, 12);
  const whole = Buffer.concat([header, ...sections]);
  whole.writeInt32LE(whole.length, 0);
  return whole;
}

const bulk = (namespace: string): Buffer =>
  message({ bulkWrite: 1, $db: 'admin' }, { ops: [{ insert: 0, document: { _id: 1 } }], nsInfo: [{ ns: 'shop.a' }, { ns: namespace }] });

describe('a command that is not about the copy is told by what it names', () => {
  test.each([
    ['another database', message({ insert: 'a', $db: 'audit' }, { documents: [{ _id: 1 }] }), 'audit.a'],
    ['bulkWrite, its namespaces beside the command', bulk('audit.a'), 'audit.a'],
    ['bulkWrite, its namespaces within it', message({ bulkWrite: 1, nsInfo: [{ ns: 'audit.a' }], $db: 'admin' }), 'audit.a'],
    ['a rename', message({ renameCollection: 'shop.a', to: 'audit.a', $db: 'admin' }), 'audit.a'],
    ['$out', message({ aggregate: 'a', pipeline: [{ $out: { db: 'audit', coll: 'b' } }], $db: 'shop' }), 'audit.b'],
    ['$merge', message({ aggregate: 'a', pipeline: [{ $merge: { into: { db: 'audit', coll: 'b' } } }], $db: 'shop' }), 'audit.b'],
    ['mapReduce', message({ mapReduce: 'a', out: { replace: 'b', db: 'audit' }, $db: 'shop' }), 'audit (mapReduce)'],
    ['applyOps', message({ applyOps: [], $db: 'shop' }), 'shop (applyOps)'],
    ['a command for the server', message({ shutdown: 1, $db: 'admin' }), 'admin (shutdown)'],
  ])('%s', (_how, sent, target) => {
    expect(foreignTarget(sent, allowed)).toEqual({ kind: 'database', target });
  });

  test('a message that is packed', () => {
    const packed = message({ insert: 'a', $db: 'shop' });
    packed.writeInt32LE(2012, 12);
    expect(foreignTarget(packed, allowed)).toEqual({ kind: 'database', target: 'a compressed or legacy message' });
  });
});

test.each([
  ['a write', message({ insert: 'a', $db: 'shop' }, { documents: [{ _id: 1 }] })],
  ['bulkWrite within the copy', bulk('shop.b')],
  ['mapReduce within the copy', message({ mapReduce: 'a', out: { replace: 'b', db: 'shop' }, $db: 'shop' })],
  ['the state of the server', message({ serverStatus: 1, $db: 'admin' })],
  ['what runs now', message({ aggregate: 1, pipeline: [{ $currentOp: {} }], $db: 'admin' })],
])('%s goes through', (_how, sent) => {
  expect(foreignTarget(sent, allowed)).toBeUndefined();
});
