import { subscribe } from 'node:diagnostics_channel';
import type { MongoClient } from 'mongodb';
import type { WriteReport } from '../write-command.ts';
import type { Driver } from './driver.ts';
import type { Serialize } from './key-hashes.ts';
import { watchOtherClients } from './other-clients.ts';
import { observeWrites, type WriteObserver } from './writes.ts';

/** The write commands of all clients of this process. */
export interface ClientWrites {
  /** The driver whose clients are told of. */
  adopt(driver: Driver): Driver;
  /** Begins to record: the commands of `client`, and of every other one that a migration makes. */
  record(client: MongoClient, options: { readonly database: string; readonly serialize: Serialize }): void;
  /** Tells at once what there is to tell. */
  tell(): void;
}

const tellMilliseconds = 500;

/** Nothing is recorded before `record`. */
export function followClients(say: (report: WriteReport) => void): ClientWrites {
  const clients = new Set<MongoClient>();
  let observer: WriteObserver | undefined;
  let incomplete = false;
  // What a program of its own writes, nobody sees here.
  for (const channel of ['child_process', 'worker_threads']) subscribe(channel, () => (incomplete = observer !== undefined));
  const add = (client: MongoClient): void => {
    if (clients.has(client)) return;
    clients.add(client);
    observer?.watch(client);
  };
  const tell = (): void => {
    const report = observer?.take();
    if (report !== undefined) say(incomplete ? { ...report, incomplete } : report);
  };
  return {
    adopt: watchOtherClients(add),
    record: (client, { database, serialize }) => {
      clients.add(client);
      observer = observeWrites(database, serialize, tell);
      for (const known of clients) observer.watch(known);
      setInterval(tell, tellMilliseconds).unref();
    },
    tell,
  };
}
