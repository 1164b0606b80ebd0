import type { ClientSession, Db } from 'mongodb';
import { journalCollection } from '../journal.ts';
import { lockCollection, lockId } from '../lock.ts';
import type { CallIdentity } from './protocol.ts';

/** How far a walk came. */
export interface Checkpoint {
  readonly last: { readonly value: unknown } | undefined;
  readonly documents: number;
  readonly batches: number;
}

/** The checkpoints of one file, kept in the journal: one document for each of its walks. */
export interface Checkpoints {
  /** Where a walk goes on, or its beginning. Throws when the file has opened the name already. */
  open(name: string): Promise<Checkpoint>;
  write(name: string, checkpoint: Checkpoint, session?: ClientSession): Promise<void>;
  /** Throws when another run holds the lock now. */
  confirmLock(): Promise<void>;
}

const beginning: Checkpoint = { last: undefined, documents: 0, batches: 0 };

/**
 * A checkpoint counts only when this run resumes its file, and only for the file as it was: an edited one begins anew. `identity` tells
 * which file, run and lock.
 */
export function openCheckpoints(db: Db, identity: CallIdentity): Checkpoints {
  const { file, direction, hash, run, fence, holder, resume } = identity;
  const journal = db.collection(journalCollection);
  const opened = new Set<string>();
  const idOf = (name: string): string => `checkpoint/${direction}/${file}/${name}`;
  return {
    open: async (name) => {
      if (opened.has(name)) throw new Error(`batch: two walks are called ${name}: give each a name of its own`);
      opened.add(name);
      const found = resume ? await journal.findOne({ _id: idOf(name) as never, hash }, { readPreference: 'primary' }) : null;
      if (found === null) return beginning;
      const { last, documents, batches } = found as unknown as Checkpoint;
      console.log(`${name}: going on after ${documents.toLocaleString('en')} documents, where the run before ended.`);
      return { last, documents, batches };
    },
    write: async (name, { last, documents, batches }, session) => {
      const now = { file, state: 'CHECKPOINT', direction, batch: name, hash, run, fence, last, documents, batches, at: new Date() };
      const options = session === undefined ? { writeConcern: { w: 'majority' } as const } : { session };
      await journal.replaceOne({ _id: idOf(name) as never }, now, { upsert: true, ...options });
    },
    confirmLock: async () => {
      const held = { _id: lockId as never, holder, fence, $expr: { $gt: ['$expiresAt', '$$NOW'] } };
      const found = await db.collection(lockCollection).findOne(held, { projection: { _id: 1 }, readPreference: 'primary' });
      if (found === null) throw new Error('the lock of the database was lost: another run may hold it now');
    },
  };
}
