import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';
import { randomUUID } from 'node:crypto';

/** Where a piece of bytes lies in an `ImageStore`. */
export interface ImagePlace {
  readonly start: number;
  readonly length: number;
}

const blockBytes = 8 * 2 ** 20;
const runBytes = 2 ** 20;

/**
 * Keeps earlier states of documents while an undo runs: in memory, and beyond `memoryBytes` in a file of `folder` that only this user can
 * read and that is gone when the store is closed.
 */
export class ImageStore implements Disposable {
  readonly #blocks: Buffer[] = [];
  readonly #folder: string;
  readonly #memoryBytes: number;
  #file: { readonly descriptor: number; readonly path: string } | undefined;
  #fileBytes = 0;
  #inMemory = 0;
  #end = 0;

  constructor(folder: string, memoryBytes: number = 256 * 2 ** 20) {
    this.#folder = folder;
    this.#memoryBytes = memoryBytes;
  }

  /** Copies `bytes`. */
  keep(bytes: Buffer): ImagePlace {
    const start = this.#end;
    this.#end += bytes.length;
    if (this.#inMemory + bytes.length <= this.#memoryBytes && this.#file === undefined) this.#toMemory(bytes);
    else this.#toFile(bytes);
    return { start, length: bytes.length };
  }

  read(place: ImagePlace): Buffer {
    const bytes = Buffer.allocUnsafe(place.length);
    this.#copy(place, bytes);
    return bytes;
  }

  /** These pieces one after another, about a megabyte at a time. */
  *together(places: Iterable<ImagePlace>): Generator<Buffer> {
    let [pieces, length]: [ImagePlace[], number] = [[], 0];
    const run = (): Buffer => {
      const bytes = Buffer.allocUnsafe(length);
      let position = 0;
      for (const piece of pieces) {
        this.#copy(piece, bytes.subarray(position));
        position += piece.length;
      }
      [pieces, length] = [[], 0];
      return bytes;
    };
    for (const place of places) {
      pieces.push(place);
      length += place.length;
      if (length >= runBytes) yield run();
    }
    if (length > 0) yield run();
  }

  [Symbol.dispose](): void {
    this.#blocks.length = 0;
    if (this.#file === undefined) return;
    closeSync(this.#file.descriptor);
    rmSync(this.#file.path, { force: true });
    this.#file = undefined;
  }

  #toMemory(bytes: Buffer): void {
    for (let done = 0; done < bytes.length;) {
      const offset = this.#inMemory % blockBytes;
      if (offset === 0) this.#blocks.push(Buffer.allocUnsafe(blockBytes));
      const copied = bytes.copy(this.#blocks.at(-1) as Buffer, offset, done);
      done += copied;
      this.#inMemory += copied;
    }
  }

  #toFile(bytes: Buffer): void {
    if (this.#file === undefined) {
      const file = path.join(this.#folder, `undo-${randomUUID()}.images`);
      this.#file = { descriptor: openSync(file, 'wx+', 0o600), path: file };
    }
    this.#fileBytes += writeSync(this.#file.descriptor, bytes, 0, bytes.length, this.#fileBytes);
  }

  #copy({ start, length }: ImagePlace, to: Buffer): void {
    if (start >= this.#inMemory) {
      if (this.#file !== undefined) readSync(this.#file.descriptor, to, 0, length, start - this.#inMemory);
      return;
    }
    for (let done = 0; done < length;) {
      const at = start + done;
      const block = this.#blocks[Math.floor(at / blockBytes)] ?? Buffer.alloc(0);
      done += block.copy(to, done, at % blockBytes, Math.min(blockBytes, (at % blockBytes) + length - done));
    }
  }
}
