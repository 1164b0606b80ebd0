/** One file that is being written, piece by piece and in order. */
export interface StoreWriter {
  /** Resolves when the store took the bytes; the buffer may then be used again. */
  write(bytes: Buffer): Promise<void>;
  /** Resolves when the file is safe and readable. */
  close(): Promise<void>;
  /** Gives the file up. */
  abort(): Promise<void>;
}

export interface StoredFile {
  /** Relative to the store, parts joined by `/`. */
  readonly path: string;
  readonly bytes: number;
}

export interface ByteRange {
  readonly offset: number;
  readonly bytes: number;
}

/**
 * Where backups are kept. Paths are relative, parts joined by `/`. All functions throw `backup/store-failed` when the store fails, and
 * `backup/no-space` when it is full.
 */
export interface BackupStore {
  /** As the user wrote it. */
  readonly location: string;
  /** Where a person finds `path`. */
  locate(path: string): string;
  /** Bytes that can still be written; `undefined` when the store does not say. */
  freeBytes(): Promise<number | undefined>;
  openWriter(path: string): Promise<StoreWriter>;
  /** Writes a small file in one step. */
  put(path: string, content: string | Buffer): Promise<void>;
  /** A whole file, or less than a range when the file ends before it; `undefined` when there is no such file. */
  read(path: string, range?: ByteRange): Promise<Buffer | undefined>;
  /** Names of the folders at the top. */
  folders(): Promise<readonly string[]>;
  /** Every file in a folder, at any depth, sorted by path. */
  files(folder: string): Promise<readonly StoredFile[]>;
  /** Removes a folder or a file; absent ones are no error. */
  remove(path: string): Promise<void>;
}
