import { closeSync, ftruncateSync, openSync, readSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { documentEnd, smallestDocument } from '../../mongo/raw-bson.ts';

const blockBytes = 4 * 2 ** 20;

/**
 * Documents on the disk of the runner, one after another. The file has no name as soon as it is open, so whatever ends the process
 * removes it (Windows: closing does).
 */
export interface Spill extends Disposable {
  append(documents: Buffer): void;
  /** Every document, in the order in which it came; a view that the next one overwrites. */
  documents(): Generator<Buffer>;
}

/** The server of the copy may use the same disk, and ends when it is full: so much of it is left alone. */
const reservedBytes = 2 * 2 ** 30;
/** How often the disk is asked, bytes. */
const askedEvery = 64 * 2 ** 20;

/** Throws the errors of the file system; `ENOSPC` when the disk has hardly any room left. */
export function createSpill(): Spill {
  const file = path.join(tmpdir(), `migration-guard-${randomUUID()}.bson`);
  const descriptor = openSync(file, 'wx+', 0o600);
  const unnamed = process.platform !== 'win32';
  if (unnamed) rmSync(file);
  let length = 0;
  let open = true;
  return {
    append(documents) {
      if (Math.floor(length / askedEvery) < Math.floor((length + documents.length) / askedEvery)) requireRoom();
      for (let done = 0; done < documents.length;) done += writeSync(descriptor, documents, done, documents.length - done, length + done);
      length += documents.length;
    },
    documents: () => documentsOf(descriptor, length),
    [Symbol.dispose]() {
      if (!open) return;
      open = false;
      ftruncateSync(descriptor, 0);
      closeSync(descriptor);
      if (!unnamed) rmSync(file, { force: true });
    },
  };
}

function requireRoom(): void {
  const { bavail, bsize } = statfsSync(tmpdir());
  if (bavail * bsize < reservedBytes) throw Object.assign(new Error('The disk has hardly any room left.'), { code: 'ENOSPC' });
}

function* documentsOf(descriptor: number, length: number): Generator<Buffer> {
  let block = Buffer.alloc(0);
  let position = 0;
  while (position < length || block.length > 0) {
    const needed = block.length < smallestDocument ? smallestDocument : block.readInt32LE(0);
    if (block.length < needed) {
      const more = Buffer.allocUnsafe(Math.min(Math.max(needed - block.length, blockBytes), length - position));
      const read = readSync(descriptor, more, 0, more.length, position);
      position += read;
      block = Buffer.concat([block, more.subarray(0, read)]);
      continue;
    }
    const end = documentEnd(block, 0);
    yield block.subarray(0, end);
    block = block.subarray(end);
  }
}
