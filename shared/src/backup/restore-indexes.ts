import type { MongoClient, Timestamp, WriteConcernSettings } from 'mongodb';
import { parseExtendedJson, type OrderedDocument } from '../mongo/extended-json.ts';
import type { Namespace } from './namespaces.ts';
import type { SourceCollection } from './restore-source.ts';
import { confirmed } from './write-concern.ts';

export interface IndexWork {
  readonly source: SourceCollection;
  readonly at: Namespace;
  /** Indexes by which documents expire come last: they start to delete at once. */
  readonly which: 'all' | 'without expiry' | 'with expiry';
  readonly writeConcern: WriteConcernSettings;
}

/** Builds indexes of a collection and returns the server's time after it; `undefined` when there are none. Driver errors are thrown as they are. */
export async function createIndexes(client: MongoClient, { source, at, which, writeConcern }: IndexWork): Promise<Timestamp | undefined> {
  const collation = parseExtendedJson(source.options).get('collation');
  const indexes = source.indexes
    .map(parseExtendedJson)
    .filter((index) => index.get('name') !== '_id_' && index.get('clustered') !== true)
    .filter((index) => which === 'all' || index.has('expireAfterSeconds') === (which === 'with expiry'))
    .map((index) => forCreation(index, collation !== undefined));
  if (indexes.length === 0) return undefined;
  const reply = await confirmed(client.db(at.database).command({ createIndexes: at.collection, indexes, writeConcern }));
  return reply['operationTime'] as Timestamp | undefined;
}

/** An index of a collection with a collation inherits it unless it says `simple`, which a server that lists it leaves out. */
export function forCreation(index: OrderedDocument, collated: boolean): OrderedDocument {
  const definition = new Map([...index].filter(([name]) => name !== 'ns'));
  if (collated && !definition.has('collation')) definition.set('collation', { locale: 'simple' });
  return definition;
}
