import { encryptedSuffix } from './age/decrypting-store.ts';
import type { Recipient } from './age/keys.ts';
import { sealingWriter, sealWhole } from './age/sealing-writer.ts';
import type { Budget } from './budget.ts';
import { extensions, type Compression } from './codec.ts';
import { frameTableText } from './frame-table.ts';
import { FrameWriter } from './frame-writer.ts';
import { hashOf, type ManifestFile, type StoredDocuments } from './manifest.ts';
import type { BackupStore } from './store.ts';

/** Where the files of a backup go, and how. */
export interface FilePlace {
  readonly store: BackupStore;
  /** Id of the backup: the folder in the store. */
  readonly id: string;
  /** For whom the files are encrypted; empty: they are not. */
  readonly recipients: readonly Recipient[];
}

export interface DocumentFileOptions extends FilePlace {
  readonly compression: Compression;
  /** Shared by all files that are written side by side. */
  readonly budget: Budget;
}

/** Paths of a file of documents and of its frame table, relative to the backup's folder; the first without an extension. */
export interface DocumentPaths {
  readonly dump: string;
  readonly frames: string;
  /** Bytes of BSON that will come, as far as it is known; 0 when it is not. */
  readonly expectedBytes: number;
  /** The name that stock tools give the file, where it does not follow the compression. */
  readonly extension?: string;
}

/**
 * Writes a file of documents, frame by frame, and its frame table; `fill` adds the documents. Errors of `fill` and of the store are thrown
 * as they are, and nothing of the file is left then.
 */
export async function writeDocumentFile<T>(
  options: DocumentFileOptions,
  paths: DocumentPaths,
  fill: (frames: FrameWriter) => Promise<T>,
): Promise<{ readonly data: StoredDocuments; readonly filled: T }> {
  const { store, id, compression, budget, recipients } = options;
  const encrypted = recipients.length > 0;
  const path = `${paths.dump}${paths.extension ?? `.bson${extensions[compression]}`}${encrypted ? encryptedSuffix : ''}`;
  const file = await store.openWriter(`${id}/${path}`, paths.expectedBytes);
  const sealing = encrypted ? sealingWriter(file, recipients) : undefined;
  const writer = sealing ?? file;
  const frames = new FrameWriter({ writer, compression, budget });
  try {
    const filled = await fill(frames);
    const written = await frames.finish();
    await writer.close();
    const content = written.reduce((sum, { stored }) => sum + stored, 0);
    const stored = sealing === undefined ? { bytes: content } : { ...sealing.stored(), content };
    const table = await putFile(options, paths.frames, Buffer.from(frameTableText({ version: 1, file: path, frames: written })));
    return { data: { path, ...stored, frames: written.length, table }, filled };
  } catch (error) {
    await frames.finish().catch(() => undefined);
    await writer.abort();
    throw error;
  }
}

/** Writes a small file of a backup, encrypted when there are recipients. It is safe when the store was told to secure what was written. */
export async function putFile({ store, id, recipients }: FilePlace, path: string, content: Buffer): Promise<ManifestFile> {
  const stored = recipients.length === 0 ? content : sealWhole(content, recipients);
  const name = recipients.length === 0 ? path : encryptedName(path);
  await store.put(`${id}/${name}`, stored, { secureLater: true });
  return { path: name, bytes: stored.length, sha256: hashOf(stored) };
}

/** With the suffix; the longest names of collections leave no room for it, so that some of the name goes. */
function encryptedName(path: string): string {
  const name = `${path}${encryptedSuffix}`;
  const longest = 255;
  return name.length - name.lastIndexOf('/') - 1 <= longest ? name : name.replace(/\.metadata\.json(\.gz)?\.age$/, '.meta.age');
}
