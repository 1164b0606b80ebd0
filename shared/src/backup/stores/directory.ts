import { randomUUID } from 'node:crypto';
import { link, mkdir, open, readdir, readFile, realpath, rename, rm, stat, statfs, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { GuardError } from '../../errors/guard-error.ts';
import { memoryPool } from '../../mongo/memory-pool.ts';
import type { BackupStore, ByteRange, StoredFile, StoreWriter } from '../store.ts';
import { attempt } from './file-errors.ts';
import { keepNames, LateSync, type UnsafeFile } from './late-sync.ts';

/** A folder as a store. It is created by the first file that is written. */
export function directoryStore(root: string): BackupStore {
  const locate = (relative: string): string => resolveInside(root, relative);
  const late = new LateSync();
  const openWriterOf = (file: string): Promise<StoreWriter> => attempt(`Writing ${file}`, () => openWriter(locate(file), file, late));
  return {
    location: root,
    locate,
    freeBytes: () => attempt('Looking for free space', () => freeBytes(root)),
    openWriter: openWriterOf,
    async put(file, content, { onlyNew = false, secureLater = false } = {}) {
      const bytes = typeof content === 'string' ? Buffer.from(content) : content;
      if (secureLater) await putLater(await openWriterOf(file), bytes);
      else await attempt(`Writing ${file}`, () => put(locate(file), bytes, onlyNew));
    },
    secure: () => late.finish(),
    read: (file, range) => attempt(`Reading ${file}`, () => absentAsUndefined(read(locate(file), range))),
    folders: () => attempt('Listing backups', () => folders(root)),
    files: (folder) => attempt(`Listing ${folder}`, () => files(locate(folder), folder)),
    async remove(item) {
      await late.forget(locate(item));
      await attempt(`Removing ${item}`, () => remove(root, locate(item)));
    },
    // What is written to a folder can be seen there at once, and nothing keeps it from being removed.
    removeStranded: async () => 0,
    lockOf: async () => undefined,
  };
}

/** The path in the file system; a path from a damaged or forged manifest cannot lead out of the store. */
function resolveInside(root: string, relative: string): string {
  const resolved = path.resolve(root, relative);
  if (resolved.startsWith(path.join(path.resolve(root), path.sep))) return resolved;
  throw new GuardError('backup/incomplete', `The path ${JSON.stringify(relative)} leads out of the store.`);
}

async function absentAsUndefined<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function openWriter(file: string, name: string, late: LateSync): Promise<StoreWriter> {
  const { handle, folders } = await openNew(file);
  return {
    write: (bytes) => attempt(`Writing ${name}`, () => writeAll(handle, bytes)),
    close: () => late.add({ file, name, handle, folders }),
    abort: async () => {
      await late.forget(file);
      await handle.close().catch(() => undefined);
      await rm(file, { force: true });
    },
  };
}

/** Opens a file to write it from its beginning, and tells in which folders there are new names then. */
async function openNew(file: string): Promise<Pick<UnsafeFile, 'handle' | 'folders'>> {
  const folder = path.dirname(file);
  const handle = await absentAsUndefined(open(file, 'w'));
  if (handle !== undefined) return { handle, folders: [folder] };
  const made = await mkdir(folder, { recursive: true });
  const folders = made === undefined ? [folder] : foldersUpTo(path.dirname(made), folder);
  return { handle: await open(file, 'w'), folders };
}

/** A folder and those around it, up to `top`. */
function foldersUpTo(top: string, folder: string): readonly string[] {
  return folder.length <= top.length ? [folder] : [folder, ...foldersUpTo(top, path.dirname(folder))];
}

/** Writes a small file that has time to become safe: nobody looks for it before the manifest is there. */
async function putLater(writer: StoreWriter, content: Buffer): Promise<void> {
  try {
    await writer.write(content);
    await writer.close();
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

/** What a run that was killed may leave behind: no file of the store. */
const partPattern = /^\.[0-9a-f-]{36}\.part$/;
const partName = (): string => `.${randomUUID()}.part`;

/** Replaces a file in one step. The temporary name is short: names of collections go up to the limit of the file system. */
async function put(file: string, content: Buffer, onlyNew: boolean): Promise<void> {
  const part = path.join(path.dirname(file), partName());
  const { handle, folders } = await openNew(part);
  try {
    await writePart(handle, content);
    if (onlyNew) await takeName(part, file);
    else await rename(part, file);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
  await Promise.all(folders.map(keepNames));
}

async function writePart(handle: FileHandle, content: Buffer): Promise<void> {
  try {
    await writeAll(handle, content);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Gives a file its name unless there is such a file. File systems that know no links replace it. */
async function takeName(part: string, file: string): Promise<void> {
  try {
    await link(part, file);
    await rm(part);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(code)) {
      if (code === 'EEXIST') throw new GuardError('store/exists', `The file ${path.basename(file)} exists already.`, { cause: error });
      throw error;
    }
    await rename(part, file);
  }
}

async function writeAll(handle: FileHandle, bytes: Buffer): Promise<void> {
  let written = 0;
  while (written < bytes.length) written += (await handle.write(bytes, written)).bytesWritten;
}

async function read(file: string, range: ByteRange | undefined): Promise<Buffer> {
  if (range === undefined) return readFile(file);
  const handle = await open(file, 'r');
  try {
    const buffer = memoryPool.take(range.bytes);
    let filled = 0;
    while (filled < range.bytes) {
      const { bytesRead } = await handle.read(buffer, filled, range.bytes - filled, range.offset + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return buffer.subarray(0, filled);
  } finally {
    await handle.close();
  }
}

/** Removes a file or a folder, but nothing that is reached through a link in the store: it belongs to somebody else. */
async function remove(root: string, item: string): Promise<void> {
  const parent = await absentAsUndefined(realpath(path.dirname(item)));
  if (parent === undefined) return;
  if (parent !== path.resolve(await realpath(root), path.relative(path.resolve(root), path.dirname(item))))
    throw new Error('a link leads to it');
  await rm(item, { recursive: true, force: true });
}

/** Free space where `root` is or will be. */
async function freeBytes(root: string): Promise<number> {
  let folder = path.resolve(root);
  while ((await absentAsUndefined(stat(folder))) === undefined) folder = path.dirname(folder);
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

async function folders(root: string): Promise<readonly string[]> {
  const entries = (await absentAsUndefined(readdir(root, { withFileTypes: true }))) ?? [];
  return entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
}

async function files(root: string, folder: string): Promise<readonly StoredFile[]> {
  const entries = (await absentAsUndefined(readdir(root, { withFileTypes: true, recursive: true }))) ?? [];
  const found: StoredFile[] = [];
  for (const entry of entries) {
    if (!entry.isFile() || partPattern.test(entry.name)) continue;
    const file = path.join(entry.parentPath, entry.name);
    found.push({ path: [folder, ...path.relative(root, file).split(path.sep)].join('/'), bytes: (await stat(file)).size });
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}
