import type { MongoClient, Timestamp } from 'mongodb';
import { fromMongoError } from '../../errors/mongo-errors.ts';
import type { Log } from '../../log/log.ts';
import { readCatalog } from '../../mongo/catalog.ts';
import { parseExtendedJson, type OrderedDocument } from '../../mongo/extended-json.ts';
import { forEachDocument } from '../../mongo/raw-bson.ts';
import { nameOf, parseNamespace } from '../namespaces.ts';
import { timeOf } from '../oplog/server-oplog.ts';
import { forCreation } from '../restore-indexes.ts';
import { oplogKey, type StockDump } from './dump.ts';
import type { DumpPlace } from './dump-errors.ts';
import { IndexCatalog } from './index-catalog.ts';
import { asOrdered } from './oplog-check.ts';
import { runCommand } from './oplog-commands.ts';
import type { Operation } from './oplog-entry.ts';
import { TransactionBuffer } from './oplog-transactions.ts';
import { OplogWriter } from './oplog-writer.ts';

export interface ReplayOptions {
  readonly client: MongoClient;
  readonly dump: StockDump;
  /** Entries at or after this time are not replayed. */
  readonly limit?: Timestamp | undefined;
  readonly log: Log;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Brings restored collections to the end of the dump's oplog, then builds the indexes of dump and oplog. Returns the number of operations.
 * Throws `dump/*`, and the errors of `fromMongoError`.
 */
export async function replayOplog({ client, dump, limit, log, signal }: ReplayOptions): Promise<number> {
  const writer = new OplogWriter(client);
  const transactions = new TransactionBuffer();
  const indexes = new IndexCatalog(dump.collections);
  let operations = 0;
  for await (const { bytes, place } of dump.read({ only: oplogKey, signal })) {
    const entries: { readonly bytes: Buffer; readonly place: DumpPlace }[] = [];
    forEachDocument(bytes, (start, end) =>
      entries.push({ bytes: bytes.subarray(start, end), place: { ...place, offset: place.offset + start } }),
    );
    for (const entry of entries) {
      signal?.throwIfAborted();
      if (limit !== undefined && timeOf(entry.bytes).greaterThanOrEqual(limit)) continue;
      for (const operation of transactions.operations(entry.bytes, entry.place)) {
        if (operation.kind === 'nothing') continue;
        operations++;
        await replay({ client, indexes, writer }, operation, entry.place);
      }
    }
  }
  await writer.flush();
  if (transactions.unfinished > 0)
    log.info(`${transactions.unfinished} transactions had not ended when the dump did: they are not applied`);
  await buildIndexes(client, indexes);
  log.info(`Replayed ${operations} operations of the oplog`);
  return operations;
}

interface Replaying {
  readonly client: MongoClient;
  readonly indexes: IndexCatalog;
  readonly writer: OplogWriter;
}

async function replay({ client, indexes, writer }: Replaying, operation: Operation, place: DumpPlace): Promise<void> {
  if (operation.kind === 'insert' || operation.kind === 'update' || operation.kind === 'delete') {
    const { database, collection } = parseNamespace(operation.namespace);
    if (collection !== 'system.views') return writer.write(operation, place);
    await writer.flush();
    return attempt(place, () => replayView(client, operation, { database, place }));
  }
  if (operation.kind !== 'command') return undefined;
  await writer.flush();
  return attempt(place, () => runCommand({ client, indexes }, operation, place));
}

async function attempt(place: DumpPlace, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw fromMongoError(error, `Replaying the oplog at byte ${place.offset}`);
  }
}

/** Views are written to the oplog as documents of `system.views`, whose `_id` is the namespace. */
async function replayView(
  client: MongoClient,
  operation: Extract<Operation, { kind: 'insert' | 'update' | 'delete' }>,
  { database, place }: { readonly database: string; readonly place: DumpPlace },
): Promise<void> {
  const body = operation.kind === 'insert' ? asOrdered(operation.document, place) : undefined;
  const updated = operation.kind === 'update' ? asOrdered(operation.entry, place).get('o') : undefined;
  const view = body ?? (updated instanceof Map ? (updated as OrderedDocument) : undefined);
  const id = operation.kind === 'delete' ? operation.id.value.toString('utf8', 4, operation.id.value.length - 1) : view?.get('_id');
  if (typeof id !== 'string') return;
  const name = parseNamespace(id).collection;
  await client.db(database).dropCollection(name);
  if (view === undefined) return;
  const members = [...view].filter(([member]) => member !== '_id');
  await client.db(database).command({ create: name, ...Object.fromEntries(members) });
}

async function buildIndexes(client: MongoClient, indexes: IndexCatalog): Promise<void> {
  for (const [database, group] of Map.groupBy(indexes.entries(), ([namespace]) => parseNamespace(namespace).database)) {
    const standing = new Map((await readCatalog(client, database)).map((entry) => [nameOf({ database, collection: entry.name }), entry]));
    for (const [namespace, wanted] of group) {
      const entry = standing.get(namespace);
      if (entry === undefined) continue;
      const collated = parseExtendedJson(entry.options).has('collation');
      const there = new Set(entry.indexes.map((index) => parseExtendedJson(index).get('name')));
      const missing = wanted.filter((index) => !there.has(index.get('name'))).map((index) => forCreation(index, collated));
      if (missing.length === 0) continue;
      try {
        await client.db(database).command({ createIndexes: entry.name, indexes: missing, writeConcern: { w: 'majority' } });
      } catch (error) {
        throw fromMongoError(error, `Building the indexes of ${namespace}`);
      }
    }
  }
}
