import { elementOf, elementsOf, InvalidBson, type RawElement } from '../../mongo/raw-bson.ts';

/** Value of an `_id` or of a reference to one: type and bytes, as a key of a set. */
export type IdKey = string;

export function idKeyOf({ type, value }: Pick<RawElement, 'type' | 'value'>): IdKey {
  return `${type}:${value.toString('base64')}`;
}

/** Throws `InvalidBson` when the document has no `_id`, which only views and time series have not. */
export function idOf(document: Buffer): IdKey {
  const element = elementOf(document, '_id');
  if (element === undefined) throw new InvalidBson('a document has no _id', 0);
  return idKeyOf(element);
}

/** Field that refers to the `_id` of another collection. */
export interface Reference {
  /** Path without positions in arrays: `customerId`, `lines.product`. */
  readonly field: string;
  readonly to: string;
}

/** What the documents of a sample refer to. */
export interface Wanted {
  /** Ids that are unique by themselves (ObjectId, UUID), wherever they stand: they may be in any collection. */
  readonly anywhere: Set<IdKey>;
  /** Values of declared references, by the collection that they refer to. */
  readonly inCollection: Map<string, Set<IdKey>>;
}

/** Adds what the document refers to. `references` are those of its collection. */
export function addReferences(document: Buffer, references: readonly Reference[], wanted: Wanted): void {
  const visit = (holder: Buffer, path: string, inArray: boolean): void => {
    for (const element of elementsOf(holder)) {
      const here = inArray ? path : path === '' ? element.name : `${path}.${element.name}`;
      if (element.type === 0x03 || element.type === 0x04) visit(element.value, here, element.type === 0x04);
      if (isUniqueByItself(element)) wanted.anywhere.add(idKeyOf(element));
      for (const { field, to } of references)
        if (field === here && element.type !== 0x04) setOf(wanted.inCollection, to).add(idKeyOf(element));
    }
  };
  visit(document, '', false);
}

function isUniqueByItself({ type, value }: RawElement): boolean {
  return type === 0x07 || (type === 0x05 && value.length === 21 && (value[4] === 3 || value[4] === 4));
}

function setOf(sets: Map<string, Set<IdKey>>, name: string): Set<IdKey> {
  const known = sets.get(name);
  if (known !== undefined) return known;
  const made = new Set<IdKey>();
  sets.set(name, made);
  return made;
}

export function isWanted(wanted: Wanted, collection: string, id: IdKey): boolean {
  return wanted.anywhere.has(id) || wanted.inCollection.get(collection)?.has(id) === true;
}

/** How many ids are wanted: grows as long as new documents bring new references. */
export function sizeOf({ anywhere, inCollection }: Wanted): number {
  return [...inCollection.values()].reduce((sum, { size }) => sum + size, anywhere.size);
}
