import { open, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { attempt } from './file-errors.ts';

/** A file that is whole, and may be lost with the power. */
export interface UnsafeFile {
  /** Absolute. */
  readonly file: string;
  /** As errors name it. */
  readonly name: string;
  readonly handle: FileHandle;
  /** Folders that hold new names by it. */
  readonly folders: readonly string[];
}

/** Most files that stay open for it. */
const mostOpen = 64;

/**
 * Files that are made to last together: a disk needs hardly longer for many than for one. They stay open until then, so that the system tells
 * of every write that it could not do.
 */
export class LateSync {
  #waiting: UnsafeFile[] = [];
  readonly #folders = new Set<string>();

  /** Takes over the handle of the file. */
  async add(written: UnsafeFile): Promise<void> {
    this.#waiting.push(written);
    for (const folder of written.folders) this.#folders.add(folder);
    if (this.#waiting.length >= mostOpen) await this.#syncFiles();
  }

  /** Resolves when all files and their names outlive a loss of power. Throws `backup/no-space` and `backup/store-failed`. */
  async finish(): Promise<void> {
    await this.#syncFiles();
    const folders = [...this.#folders];
    this.#folders.clear();
    await Promise.all(folders.map(keepNames));
  }

  /** Lets go of a file, or of all in a folder, before they are removed. */
  async forget(item: string): Promise<void> {
    const isInside = (one: string): boolean => one === item || one.startsWith(`${item}${path.sep}`);
    const { gone = [], kept = [] } = Object.groupBy(this.#waiting, ({ file }) => (isInside(file) ? 'gone' : 'kept'));
    this.#waiting = kept;
    for (const folder of this.#folders) if (isInside(folder)) this.#folders.delete(folder);
    await Promise.all(gone.map(({ handle }) => handle.close().catch(() => undefined)));
  }

  async #syncFiles(): Promise<void> {
    const files = this.#waiting;
    this.#waiting = [];
    const synced = await Promise.allSettled(files.map(syncFile));
    for (const one of synced) if (one.status === 'rejected') throw one.reason;
  }
}

async function syncFile({ name, handle }: UnsafeFile): Promise<void> {
  await attempt(`Writing ${name}`, async () => {
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  });
}

/** Makes the names in a folder outlive a loss of power, where the platform can. */
export async function keepNames(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}
