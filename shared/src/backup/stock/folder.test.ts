import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { BSON } from 'mongodb';
import { silentLog } from '../../log/log.ts';
import { temporaryFolder, type TemporaryFolder } from '../../testing/temporary-folder.ts';
import { openDump } from './open-dump.ts';
import { surveyDump, type Survey } from './survey.ts';

const bson = (value: object): Buffer => Buffer.from(BSON.serialize(value));
const document = bson({ _id: 1 });
let folder: TemporaryFolder;

beforeEach(async () => {
  folder = await temporaryFolder();
});

afterEach(async () => {
  await folder[Symbol.asyncDispose]();
});

async function write(files: Readonly<Record<string, string | Buffer>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(folder.path, name)), { recursive: true });
    await writeFile(path.join(folder.path, name), content);
  }
}

async function survey(at = ''): Promise<Survey> {
  const dump = await openDump(path.join(folder.path, at));
  if (dump === undefined) throw new Error('not taken for a dump');
  return surveyDump(dump, { log: silentLog });
}

const found = ({ collections }: Survey): readonly string[] => collections.map(({ database, name, type }) => `${database}.${name} ${type}`);

describe('a folder of mongodump', () => {
  test('is read from its root, and from the folder of one database', async () => {
    await write({ 'dump/shop/a.bson': document, 'dump/shop/prelude.json': '{}', 'dump/crm/b%2Fc.bson.gz': gzipSync(document) });
    expect(found(await survey('dump'))).toEqual(['crm.b/c collection', 'shop.a collection']);
    expect(found(await survey('dump/shop'))).toEqual(['shop.a collection']);
  });

  test('holds a collection with the name oplog when that has metadata', async () => {
    await write({ 'shop/oplog.bson': document, 'shop/oplog.metadata.json': '{"indexes":[],"collectionName":"oplog"}' });
    const { oplog, ...rest } = await survey('shop');
    expect([found({ oplog, ...rest }), oplog.entries]).toEqual([['shop.oplog collection'], 0]);
  });

  test('takes the name of a time series from its metadata, and its documents from the buckets', async () => {
    await write({
      'shop/series.metadata.json': '{"options":{"timeseries":{"timeField":"t"}},"indexes":[],"type":"timeseries"}',
      'shop/system.buckets.series.bson': document,
    });
    const result = await survey();
    expect([found(result), result.digest.documents]).toEqual([['shop.series timeseries'], 1]);
  });

  test.each<readonly [string, Readonly<Record<string, string | Buffer>>, string, RegExp]>([
    [
      'a file cut inside of a document',
      { 'shop/a.bson': Buffer.concat([document, document.subarray(0, 9)]) },
      'dump/incomplete',
      /a\.bson, byte 14: the file ends/,
    ],
    [
      'a file cut inside of a length',
      { 'shop/a.bson': Buffer.concat([document, Buffer.from([14])]) },
      'dump/incomplete',
      /byte 14: the file ends/,
    ],
    [
      'a negative length',
      { 'shop/a.bson': Buffer.concat([document, Buffer.alloc(4, 0xff)]) },
      'dump/damaged',
      /byte 14: a document has the length -1/,
    ],
    [
      'a length beyond all limits',
      { 'shop/a.bson': Buffer.from('ffffff7f00', 'hex') },
      'dump/damaged',
      /byte 0: a document has the length/,
    ],
    ['a gzip file that is cut off', { 'shop/a.bson.gz': gzipSync(document).subarray(0, -9) }, 'dump/incomplete', /gzip stream is cut off/],
    [
      'metadata that are no JSON',
      { 'shop/a.bson': document, 'shop/a.metadata.json': '{"options":' },
      'dump/damaged',
      /metadata of shop\.a/,
    ],
    ['metadata without documents', { 'shop/a.metadata.json': '{"indexes":[]}' }, 'dump/incomplete', /documents of shop\.a are missing/],
    ['buckets without metadata', { 'shop/system.buckets.s.bson': document }, 'dump/incomplete', /metadata of the time series shop\.s/],
    ['a document without _id', { 'shop/a.bson': bson({ a: 1 }) }, 'dump/unsupported', /byte 0: .*no _id/],
    [
      'an oplog of something else',
      { 'shop/a.bson': document, 'oplog.bson': document },
      'dump/damaged',
      /oplog\.bson, byte 0: this is no entry/,
    ],
    ['an operation that nobody knows', { 'oplog.bson': bson({ op: 'z', ns: 'shop.a', o: {} }) }, 'dump/unsupported', /unknown kind "z"/],
    [
      'a command that cannot be replayed',
      { 'oplog.bson': bson({ op: 'c', ns: 'shop.$cmd', o: { importCollection: 'a' } }) },
      'dump/unsupported',
      /importCollection/,
    ],
    ['a deletion of no document', { 'oplog.bson': bson({ op: 'd', ns: 'shop.a', o: { a: 1 } }) }, 'dump/damaged', /which document/],
  ])('with %s is refused, with file and offset', async (_what, files, code, message) => {
    await write(files);
    await expect(survey()).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });
});

test('other folders, and nothing, are no dumps', async () => {
  await write({ '20260802T142530Z-3f9c1b/manifest.json': '{}', '20260802T142530Z-3f9c1b/dump/shop/a.bson.zst': '' });
  expect(await openDump(folder.path)).toBeUndefined();
  expect(await openDump(path.join(folder.path, 'absent'))).toBeUndefined();
});
