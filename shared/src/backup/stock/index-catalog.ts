import type { OrderedDocument } from '../../mongo/extended-json.ts';
import { nameOf } from '../namespaces.ts';
import { modernIndex } from './definition.ts';
import type { DumpCollection } from './dump.ts';

/**
 * The indexes that are to be there at the end of an oplog, `_id_` left out: they are built only then, because a dump that was taken
 * while documents changed may break a unique index until the oplog is replayed. Source: mongodb/mongo-tools common/idx.
 */
export class IndexCatalog {
  readonly #indexes = new Map<string, Map<string, OrderedDocument>>();

  constructor(collections: readonly DumpCollection[]) {
    for (const { database, name, indexes } of collections)
      for (const index of indexes) this.add(nameOf({ database, collection: name }), modernIndex(index));
  }

  /** Namespaces with indexes. */
  entries(): readonly (readonly [namespace: string, indexes: readonly OrderedDocument[]])[] {
    return [...this.#indexes].map(([namespace, indexes]) => [namespace, [...indexes.values()]]);
  }

  add(namespace: string, index: OrderedDocument): void {
    const name = index.get('name');
    if (typeof name !== 'string' || name === '_id_' || index.get('clustered') === true) return;
    const indexes = this.#indexes.get(namespace) ?? new Map<string, OrderedDocument>();
    this.#indexes.set(namespace, indexes.set(name, modernIndex(index)));
  }

  /** `*` removes all. */
  remove(namespace: string, name: string): void {
    if (name === '*') this.#indexes.delete(namespace);
    else this.#indexes.get(namespace)?.delete(name);
  }

  /** What `collMod` says of one index, by its name. */
  modify(namespace: string, change: OrderedDocument): void {
    const name = change.get('name');
    const index = typeof name === 'string' ? this.#indexes.get(namespace)?.get(name) : undefined;
    if (index === undefined) return;
    const changed = new Map(index);
    for (const [member, value] of change) {
      // An index that takes no new duplicates is on its way to a unique one; that way is not gone again.
      if (member === 'name' || member === 'keyPattern') continue;
      if (member === 'forceNonUnique') changed.delete('unique');
      else if (value === false) changed.delete(member);
      else changed.set(member, value);
    }
    this.add(namespace, changed);
  }

  dropCollection(namespace: string): void {
    this.#indexes.delete(namespace);
  }

  dropDatabase(database: string): void {
    for (const namespace of this.#indexes.keys()) if (namespace.startsWith(`${database}.`)) this.#indexes.delete(namespace);
  }

  rename(from: string, to: string): void {
    const indexes = this.#indexes.get(from);
    this.#indexes.delete(to);
    this.#indexes.delete(from);
    if (indexes !== undefined) this.#indexes.set(to, indexes);
  }
}
