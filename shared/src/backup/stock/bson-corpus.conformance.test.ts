import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { silentLog } from '../../log/log.ts';
import type { Connection } from '../../mongo/connect.ts';
import { forEachInArray, rawDocument } from '../../mongo/raw-bson.ts';
import { readRaw, scan } from '../../mongo/raw-read.ts';
import { rawInserter } from '../../mongo/raw-write.ts';
import { conformanceFolder } from '../../testing/conformance.ts';
import { connectShared, dropDatabases, uniqueDatabase } from '../../testing/mongod.ts';
import { temporaryFolder } from '../../testing/temporary-folder.ts';
import { compressions } from '../codec.ts';
import { createBackup } from '../create.ts';
import { parseRenames } from '../namespaces.ts';
import { restoreBackup } from '../restore.ts';
import { directoryStore } from '../stores/directory.ts';
import { openDump } from './open-dump.ts';
import { restoreDump } from './restore-dump.ts';
import { surveyDump } from './survey.ts';

const corpusFile = z.object({
  valid: z.array(z.object({ canonical_bson: z.string(), degenerate_bson: z.string().optional() })).default([]),
  decodeErrors: z.array(z.object({ description: z.string(), bson: z.string() })).default([]),
});

const folder = conformanceFolder('bson-corpus');
const files = await Promise.all(
  (await readdir(folder)).map(async (name) => ({
    name,
    ...corpusFile.parse(JSON.parse(await readFile(path.join(folder, name), 'utf8'))),
  })),
);
const broken = files.flatMap(({ name, decodeErrors }) =>
  decodeErrors.map(({ description, bson }) => [name, description, Buffer.from(bson, 'hex')] as const),
);
const valid = files.flatMap((file) =>
  file.valid.flatMap((one) => [one.canonical_bson, ...(one.degenerate_bson === undefined ? [] : [one.degenerate_bson])]),
);

/** Every document of the corpus inside of one that has an `_id`, byte by byte as it is. */
const documents = valid.map((hex, index) => {
  const id = Buffer.alloc(4);
  id.writeInt32LE(index);
  return rawDocument([
    { type: 0x10, name: '_id', value: id },
    { type: 0x03, name: 'v', value: Buffer.from(hex, 'hex') },
  ]);
});

const database = uniqueDatabase('corpus');
const copy = uniqueDatabase('corpus_copy');
const renames = parseRenames([`${database}.*`], [`${copy}.*`]);
let connection: Connection;

beforeAll(async () => {
  connection = await connectShared();
  const { version } = await connection.client.db('admin').command({ buildInfo: 1 });
  const inserter = rawInserter(connection.client, String(version));
  const batch = { documents: Buffer.concat(documents), count: documents.length, ordered: true, bypassValidation: true };
  await inserter.insert({ database, collection: 'corpus', ...batch });
});

afterAll(async () => {
  await dropDatabases(connection.client, [database, copy]);
  await connection.client.close();
});

async function contents(name: string): Promise<string[]> {
  const found: string[] = [];
  for await (const batch of readRaw({ client: connection.client, database: name, collection: 'corpus', command: scan('corpus') }))
    forEachInArray(batch, (start, end) => found.push(batch.toString('hex', start, end)));
  return found.sort();
}

const expected = documents.map((document) => document.toString('hex')).sort();

test('the corpus is the whole one', () => {
  expect([files.length, files.flatMap((file) => file.valid).length, broken.length]).toEqual([31, 728, 75]);
});

describe('the whole corpus comes back byte by byte', () => {
  test.each(compressions)('from a backup with the codec %s', async (compression) => {
    await using place = await temporaryFolder();
    const store = directoryStore(place.path);
    const { id } = await createBackup({ connection, store, selection: { databases: [database] }, compression, log: silentLog });
    await restoreBackup({ client: connection.client, store, backupId: id, renames, drop: true, log: silentLog });
    expect(await contents(copy)).toEqual(expected);
  });

  test('from a folder of mongodump', async () => {
    await using place = await temporaryFolder();
    await mkdir(path.join(place.path, database));
    await writeFile(path.join(place.path, database, 'corpus.bson'), Buffer.concat(documents));
    const dump = (await openDump(place.path))!;
    await restoreDump(dump, { client: connection.client, renames, drop: true, log: silentLog });
    expect(await contents(copy)).toEqual(expected);
  });
});

describe('what is not BSON is refused with file and offset', () => {
  test.each(broken)('%s: %s', async (_name, _description, bytes) => {
    await using place = await temporaryFolder();
    const before = documents[0]!;
    await mkdir(path.join(place.path, 'shop'));
    const file = path.join(place.path, 'shop', 'broken.bson');
    await writeFile(file, Buffer.concat([before, bytes]));
    const failure: unknown = await surveyDump((await openDump(place.path))!, { log: silentLog }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: expect.stringMatching(/^dump\/(damaged|incomplete)$/) });
    const [, where, offset] = /^(.*), byte (\d+): /.exec((failure as Error).message) ?? [];
    expect(where).toBe(file);
    expect(Number(offset)).toBeGreaterThanOrEqual(before.length);
    expect(Number(offset)).toBeLessThanOrEqual(before.length + bytes.length);
  });
});
