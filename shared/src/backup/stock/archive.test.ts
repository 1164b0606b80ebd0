import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { BSON } from 'mongodb';
import { silentLog } from '../../log/log.ts';
import { stockArchive, type ArchiveBlock } from '../../testing/stock-archive.ts';
import { temporaryFolder } from '../../testing/temporary-folder.ts';
import { openArchive } from './archive.ts';
import { Crc64 } from './crc64.ts';
import { surveyDump, type Survey } from './survey.ts';

const a = { db: 'shop', collection: 'a' };
const b = { db: 'shop', collection: 'b' };
const crcOf = (documents: readonly object[]): bigint => {
  const crc = new Crc64();
  for (const document of documents) crc.update(Buffer.from(BSON.serialize(document)));
  return crc.value();
};
const end = (of: typeof a, documents: readonly object[] = []): ArchiveBlock => ({ ...of, crc: crcOf(documents) });

async function survey(content: Buffer): Promise<Survey> {
  await using folder = await temporaryFolder();
  const file = path.join(folder.path, 'dump.archive');
  await writeFile(file, content);
  return await surveyDump(await openArchive(file), { log: silentLog });
}

const one = { _id: 1, text: 'x'.repeat(100) };
const two = { _id: 2 };
const interleaved = stockArchive(
  [a, b],
  [{ ...a, documents: [one] }, { ...b, documents: [two] }, { ...a, documents: [two] }, end(b, [two]), end(a, [one, two])],
);

describe('an archive', () => {
  test.each([
    ['plain', interleaved],
    ['gzip', gzipSync(interleaved)],
  ])('%s with blocks of two collections in turn is read', async (_form, content) => {
    const { collections } = await survey(content);
    expect(collections.map(({ name, digest }) => [name, digest.documents])).toEqual([
      ['a', 2],
      ['b', 1],
    ]);
  });

  test('that is cut off anywhere is refused', async () => {
    for (let length = 4; length < interleaved.length; length += 3)
      await expect(survey(interleaved.subarray(0, length))).rejects.toMatchObject({
        code: 'dump/incomplete',
        message: expect.stringMatching(/dump\.archive, byte \d+: /),
      });
  });

  test('with one bit flipped is never taken for a whole one', async () => {
    const { digest } = await survey(interleaved);
    const documents = interleaved.indexOf('x'.repeat(100));
    for (const offset of [0, 5, documents, documents + 50]) {
      const flipped = Buffer.from(interleaved);
      flipped[offset] = (flipped[offset] ?? 0) ^ 1;
      await expect(survey(flipped)).rejects.toMatchObject({ code: expect.stringMatching(/^dump\/(damaged|incomplete)$/) });
    }
    expect(digest.documents).toBe(3);
  });

  test.each<readonly [string, readonly ArchiveBlock[], string, RegExp]>([
    ['a wrong checksum', [{ ...a, documents: [one] }, end(a, [two])], 'dump/damaged', /checksum of shop\.a is wrong/],
    [
      'a block of a collection that was not announced',
      [{ ...b, documents: [one] }],
      'dump/damaged',
      /shop\.b, which the archive does not announce/,
    ],
    ['a block after the end', [end(a), { ...a, documents: [one] }], 'dump/damaged', /shop\.a, which has ended/],
    ['documents in an end', [{ ...a, crc: 0n, documents: [one] }], 'dump/damaged', /documents follow the end of shop\.a/],
    ['no end of a collection', [{ ...a, documents: [one] }], 'dump/incomplete', /before the end of shop\.a/],
    ['no block of a collection', [], 'dump/incomplete', /before the end of shop\.a/],
  ])('with %s is refused', async (_what, blocks, code, message) => {
    await expect(survey(stockArchive([a], blocks))).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  test.each<readonly [string, (whole: Buffer) => Buffer, RegExp]>([
    ['two terminators', (whole) => Buffer.concat([whole, Buffer.alloc(4, 0xff)]), /two terminators/],
    [
      'an unknown member in the header of a block',
      (whole) => Buffer.concat([whole, Buffer.from(BSON.serialize({ ...a, EOF: true, more: 1 }))]),
      /unknown member "more"/,
    ],
    ['another version', (whole) => Buffer.from(whole.toString('latin1').replace('0.1\0', '0.2\0'), 'latin1'), /unknown version "0\.2"/],
  ])('with %s is refused', async (_what, change, message) => {
    await expect(survey(change(stockArchive([a], [end(a)])))).rejects.toMatchObject({
      code: 'dump/damaged',
      message: expect.stringMatching(message),
    });
  });

  test('in a gzip file that is cut off or damaged is refused', async () => {
    const packed = gzipSync(interleaved);
    await expect(survey(packed.subarray(0, -9))).rejects.toMatchObject({ code: 'dump/incomplete' });
    const flipped = Buffer.from(packed);
    flipped[packed.length - 6] = (flipped[packed.length - 6] ?? 0) ^ 1;
    await expect(survey(flipped)).rejects.toMatchObject({ code: 'dump/damaged' });
  });
});
