import { hash } from 'node:crypto';

/** What one write command of a migration, or several alike, may have changed: enough to know its writes again among those of others. */
export interface WriteCommand {
  /** Name of the collection; `*`: any of the database. */
  readonly collection: string;
  /** `any`: the documents are not told (`$merge`, `$out`). */
  readonly kind: 'insert' | 'update' | 'delete' | 'definition' | 'any';
  /** Cluster time (`seconds.increment`) before which nothing of it was written; absent where the server has none. */
  readonly after?: string;
  /** Cluster time of its last write; absent when no answer came. */
  readonly until?: string;
  /** Number of documents changed; absent when it is not known. */
  readonly documents?: number;
  /** The most that it can be, where it is not known: the server says that there was such a document, not whether it became another. */
  readonly atMost?: number;
  /** `keyHash` of every `_id` that is named, one after another in base64; absent when it is a filter that chooses the documents. */
  readonly keys?: string;
  /** Paths that an update sets or removes; absent when it can be any. */
  readonly fields?: readonly string[];
  /** Told while it was under way; the entry with the same number in `answers` replaces this one. */
  readonly unanswered?: number;
  readonly answers?: number;
  /** Whether it was part of a transaction: its writes have the time of the commit, and the session. */
  readonly transaction?: boolean;
  /** Id of the session, 32 hex digits. */
  readonly session?: string;
}

/** Length of a `keyHash`, bytes. */
export const keyHashLength = 8;

/** Eight bytes that stand for an `_id`, given as its BSON type byte and its value. It tells nothing about the `_id` itself. */
export function keyHash(key: Uint8Array): Buffer {
  // The fastest way of Node from bytes to a digest of bytes is by a text.
  return Buffer.from(hash('sha256', key, 'binary').slice(0, keyHashLength), 'latin1');
}

/** Whether two dotted paths can mean the same value: one is the other or lies in it. */
export function overlaps(a: string, b: string): boolean {
  return a === b || a.startsWith(`${b}.`) || b.startsWith(`${a}.`);
}

/** What the write commands of a migration were, told while it runs. */
export interface WriteReport {
  readonly commands: readonly WriteCommand[];
  /** Cluster time up to which every command is told; absent where the server has none. */
  readonly through?: string;
  /** From now on there may be writes of which nobody tells: the migration has started another program. */
  readonly incomplete?: boolean;
}
