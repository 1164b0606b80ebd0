import type { BackupStore, StoreWriter } from '../backup/store.ts';

export interface Disturbance {
  /** `open`: before the file is written; `write`: when its first piece came; `close`: when it is whole; `read`: before a piece is read. */
  readonly at: 'open' | 'write' | 'close' | 'read';
  /** Which files. */
  readonly path: RegExp;
  /** How often it happens; default 1. */
  readonly times?: number;
}

/** A store in which something happens at a certain moment of a backup or a restore, and the work waits until it has happened. */
export function disturbedStore(
  store: BackupStore,
  { at, path: wanted, times = 1 }: Disturbance,
  disturb: () => Promise<unknown>,
): BackupStore {
  let left = times;
  const meet = async (moment: Disturbance['at'], path: string): Promise<void> => {
    if (moment === at && wanted.test(path) && left-- > 0) await disturb();
  };
  return {
    ...store,
    async openWriter(path, expectedBytes) {
      await meet('open', path);
      return watched(await store.openWriter(path, expectedBytes), (moment) => meet(moment, path));
    },
    async read(path, range) {
      await meet('read', path);
      return store.read(path, range);
    },
  };
}

function watched(writer: StoreWriter, meet: (moment: 'write' | 'close') => Promise<void>): StoreWriter {
  return {
    async write(bytes) {
      await writer.write(bytes);
      await meet('write');
    },
    async close() {
      await writer.close();
      await meet('close');
    },
    abort: () => writer.abort(),
  };
}
