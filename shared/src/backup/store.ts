/** One file that is being written, piece by piece and in order. */
export interface StoreWriter {
  /** Resolves when the store took the bytes; the buffer may then be used again. */
  write(bytes: Buffer): Promise<void>;
  /** Resolves when the file is whole and readable; `secure` of the store makes it outlive a loss of power. */
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

export interface PutOptions {
  /** Throws `store/exists` instead of replacing a file, where the store can promise that. */
  readonly onlyNew?: boolean;
  /** The file need not outlive a loss of power before `secure` was called, as if it had been written by `openWriter`. */
  readonly secureLater?: boolean;
}

/** Something keeps files from being removed: until a time, or until somebody lifts it. */
export interface Lock {
  readonly until: Date | undefined;
}

/**
 * Where backups are kept. Paths are relative, parts joined by `/`. All functions throw `backup/store-failed` when the store fails,
 * `backup/no-space` when it is full, and `store/*` for what can go wrong on the way to a server.
 */
export interface BackupStore {
  /** As the user wrote it. */
  readonly location: string;
  /** Where a person finds `path`. */
  locate(path: string): string;
  /** Bytes that can still be written; `undefined` when the store does not say. */
  freeBytes(): Promise<number | undefined>;
  /** `expectedBytes` helps to choose the size of what is sent at once; more or less may come. */
  openWriter(path: string, expectedBytes?: number): Promise<StoreWriter>;
  /** Writes a small file in one step. It outlives a loss of power from then on. */
  put(path: string, content: string | Buffer, options?: PutOptions): Promise<void>;
  /** Resolves when all files that were written, and not removed again, outlive a loss of power. Called when nothing is being written. */
  secure(): Promise<void>;
  /**
   * A whole file, or less than a range when the file ends before it; `undefined` when there is no such file. A range may lie in the memory pool:
   * whoever needs it no more may end its lease.
   */
  read(path: string, range?: ByteRange): Promise<Buffer | undefined>;
  /** Names of the folders at the top. */
  folders(): Promise<readonly string[]>;
  /** Every file in a folder, at any depth, sorted by path. */
  files(folder: string): Promise<readonly StoredFile[]>;
  /** Removes a folder or a file; absent ones are no error. */
  remove(path: string): Promise<void>;
  /** Removes what killed runs began to send before a time and nobody can see. Returns how many files. */
  removeStranded(before: Date): Promise<number>;
  /** What keeps a folder from being removed now. */
  lockOf(folder: string): Promise<Lock | undefined>;
  /** Of a store that decrypts what it reads: the one that does not. */
  readonly raw?: BackupStore;
  /** Whether it has a key for encrypted files. */
  readonly decrypts?: boolean;
}
