import { describe, expect, test } from '@jest/globals';
import { BSON } from 'mongodb';
import { createDigester } from '../mongo/digest.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { Budget } from './budget.ts';
import { compressFrame, compressions, decompressFrame, type Compression } from './codec.ts';
import { frameTableText, type Frame } from './frame-table.ts';
import { readFrames, type FrameSource } from './frame-reader.ts';
import { frameBytes, FrameWriter } from './frame-writer.ts';
import { hashOf } from './manifest.ts';
import type { StoreWriter } from './store.ts';
import { directoryStore } from './stores/directory.ts';

const documentOf = (id: unknown, bytes: number): Buffer => Buffer.from(BSON.serialize({ _id: id, text: 'x'.repeat(bytes) }));
/** Two small ones that share a frame, two that need one each, and many that make more than one. */
const sizes = [0, 10, frameBytes, frameBytes - 100, ...Array.from({ length: 400 }, (_, index) => index * 150)];
const documents = sizes.map((bytes, index) => documentOf(index, bytes));

/** Writes documents as a backup does, and returns how they are found again. */
async function write(
  folder: string,
  compression: Compression,
  written = documents,
): Promise<{ source: FrameSource; frames: readonly Frame[] }> {
  const store = directoryStore(folder);
  const writer = await store.openWriter('id/dump/a.bson');
  const frameWriter = new FrameWriter({ writer, compression, budget: new Budget(frameBytes) });
  for (const document of written) {
    frameWriter.add({ bytes: document, documents: 1, lastStart: 0 });
    await frameWriter.ready();
  }
  const frames = await frameWriter.finish();
  await writer.close();
  const table = Buffer.from(frameTableText({ version: 1, file: 'dump/a.bson', frames }));
  await store.put('id/frames/a.json', table);
  const bytes = frames.reduce((sum, { stored }) => sum + stored, 0);
  const data = {
    path: 'dump/a.bson',
    bytes,
    frames: frames.length,
    table: { path: 'frames/a.json', bytes: table.length, sha256: hashOf(table) },
  };
  return { source: { store, id: 'id', compression, data }, frames };
}

async function readBack(source: FrameSource): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const { bytes } of readFrames(source)) parts.push(bytes);
  return Buffer.concat(parts);
}

describe.each(compressions)('frames with compression %s', (compression) => {
  test('come back in their order, large runs in frames of their own', async () => {
    await using folder = await temporaryFolder();
    const { source, frames } = await write(folder.path, compression);
    expect((await readBack(source)).equals(Buffer.concat(documents))).toBe(true);
    expect(frames.length).toBeGreaterThan(4);
    expect(frames.slice(0, 3).map(({ documents: count }) => count)).toEqual([2, 1, 1]);
    expect(frames[0]).toMatchObject({ offset: 0, firstId: '{"$numberInt":"0"}', lastId: '{"$numberInt":"1"}', documents: 2 });
  });

  test('of no documents are something that decompresses to nothing', async () => {
    await using folder = await temporaryFolder();
    const { source, frames } = await write(folder.path, compression, []);
    expect(await readBack(source)).toHaveLength(0);
    expect(frames).toHaveLength(compression === 'none' ? 0 : 1);
  });

  test('do not take more bytes than they should hold', async () => {
    const stored = await compressFrame(compression, Buffer.alloc(100_000));
    if (compression === 'none') return;
    await expect(decompressFrame(compression, stored, { plainBytes: 1_000 })).rejects.toThrow();
  });
});

describe('FrameWriter', () => {
  test('repeats no long _id, and lives with documents that have none', async () => {
    await using folder = await temporaryFolder();
    const { frames } = await write(folder.path, 'none', [documentOf('x'.repeat(500), 0), Buffer.from(BSON.serialize({ a: 1 }))]);
    expect(frames[0]).not.toHaveProperty('firstId');
    expect(frames[0]).not.toHaveProperty('lastId');
  });

  test('says what the store said, and holds no memory afterwards', async () => {
    const budget = new Budget(frameBytes);
    const full = new Error('full');
    const writer: StoreWriter = { write: () => Promise.reject(full), close: async () => undefined, abort: async () => undefined };
    const frameWriter = new FrameWriter({ writer, compression: 'zstd', budget });
    for (const document of documents) frameWriter.add({ bytes: document, documents: 1, lastStart: 0 });
    await expect(frameWriter.finish()).rejects.toBe(full);
    await expect(frameWriter.ready()).rejects.toBe(full);
    await budget.room();
  });
});

test('the digest of what comes back is the digest of what was written', async () => {
  await using folder = await temporaryFolder();
  const { source } = await write(folder.path, 'zstd');
  const [before, after] = [createDigester(), createDigester()];
  for (const document of documents) before.add(document);
  for await (const { bytes } of readFrames(source)) after.add(bytes);
  expect(after.digest()).toEqual(before.digest());
});
