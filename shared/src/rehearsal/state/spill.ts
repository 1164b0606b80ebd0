import { closeSync, ftruncateSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
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

/** Throws the errors of the file system, `ENOSPC` among them. */
export function createSpill(): Spill {
  const file = path.join(tmpdir(), `migration-guard-${randomUUID()}.bson`);
  const descriptor = openSync(file, 'wx+', 0o600);
  const unnamed = process.platform !== 'win32';
  if (unnamed) rmSync(file);
  let length = 0;
  let open = true;
  return {
    append(documents) {
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
