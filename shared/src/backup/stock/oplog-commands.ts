import type { Document, MongoClient } from 'mongodb';
import { serverCode } from '../../errors/mongo-errors.ts';
import type { OrderedDocument } from '../../mongo/extended-json.ts';
import { nameOf } from '../namespaces.ts';
import type { DumpPlace } from './dump-errors.ts';
import type { IndexCatalog } from './index-catalog.ts';
import { commandOf } from './oplog-check.ts';
import type { Operation } from './oplog-entry.ts';

export interface CommandTarget {
  readonly client: MongoClient;
  readonly indexes: IndexCatalog;
}

const namespaceExists = 48;
const namespaceNotFound = 26;
/** What newer servers refuse in a command of an older one. */
const formerMembers = new Set(['autoIndexId', 'recordIdsReplicated', 'temp', 'noPadding', 'usePowerOf2Sizes', 'stayTemp']);

/** Runs a command of the oplog; what it says of indexes is only noted. Throws the driver's errors. */
export async function runCommand(
  { client, indexes }: CommandTarget,
  { database, name, body }: Extract<Operation, { kind: 'command' }>,
  place: DumpPlace,
): Promise<void> {
  const { target, document } = commandOf(body, place);
  const namespace = nameOf({ database, collection: target });
  switch (name) {
    case 'createIndexes':
    case 'commitIndexBuild':
      for (const index of indexesIn(document)) indexes.add(namespace, index);
      return;
    case 'dropIndexes':
    case 'dropIndex':
    case 'deleteIndexes':
    case 'deleteIndex':
      indexes.remove(namespace, String(document.get('index')));
      return;
    case 'dropDatabase':
      indexes.dropDatabase(database);
      await client.db(database).dropDatabase();
      return;
    case 'drop':
      indexes.dropCollection(namespace);
      await client.db(database).dropCollection(target);
      return;
    case 'renameCollection': {
      const to = String(document.get('to'));
      indexes.rename(target, to);
      const dropTarget = document.get('dropTarget') !== undefined && document.get('dropTarget') !== false;
      await tolerant(client.db('admin').command({ renameCollection: target, to, dropTarget }), namespaceNotFound);
      return;
    }
    case 'create':
      await tolerant(client.db(database).command(asCommand(withoutFormer(document))), namespaceExists);
      return;
    case 'collMod': {
      const change = document.get('index');
      if (change instanceof Map) indexes.modify(namespace, change as OrderedDocument);
      const rest = withoutFormer(new Map([...document].filter(([member]) => member !== 'index')));
      if (rest.size > 1) await client.db(database).command(asCommand(rest));
      return;
    }
    default:
      await client.db(database).command(asCommand(document));
  }
}

/** An entry may say again what the dump shows already: it was written while the dump was taken. */
async function tolerant(command: Promise<unknown>, code: number): Promise<void> {
  try {
    await command;
  } catch (error) {
    if (serverCode(error) !== code) throw error;
  }
}

/** The driver takes an object: names of members are never integer-like, what is inside of them may be. */
function asCommand(document: OrderedDocument): Document {
  return Object.fromEntries(document);
}

function withoutFormer(document: OrderedDocument): OrderedDocument {
  const kept = new Map([...document].filter(([member]) => !formerMembers.has(member)));
  const idIndex = kept.get('idIndex');
  if (idIndex instanceof Map) kept.set('idIndex', new Map([...(idIndex as OrderedDocument)].filter(([member]) => member !== 'ns')));
  return kept;
}

/** `commitIndexBuild` lists indexes; `createIndexes` is one, and since 8.x holds one as `spec`. */
function indexesIn(document: OrderedDocument): readonly OrderedDocument[] {
  const listed = document.get('indexes');
  if (Array.isArray(listed)) return listed as readonly OrderedDocument[];
  const spec = document.get('spec');
  if (spec instanceof Map) return [spec as OrderedDocument];
  return [new Map([...document].slice(1))];
}
