import { elementsOf, type RawElement } from '../../mongo/raw-bson.ts';

export type FieldChange = 'added' | 'removed' | 'retyped' | 'changed' | 'array-order' | 'field-order';

/** One field that differs between two versions of a document. */
export interface FieldDifference {
  /** With `[]` for the elements of arrays: `lines[].price`. */
  readonly path: string;
  readonly change: FieldChange;
  readonly before?: RawElement;
  readonly after?: RawElement;
}

const embedded = 0x03;
const array = 0x04;

/** Where two documents differ, down to the innermost fields; nothing when their bytes are equal. Pure. */
export function fieldDifferences(before: Buffer, after: Buffer, path = ''): readonly FieldDifference[] {
  if (before.equals(after)) return [];
  const old = new Map([...elementsOf(before)].map((element) => [element.name, element]));
  const now = new Map([...elementsOf(after)].map((element) => [element.name, element]));
  const at = (name: string): string => (path === '' ? name : `${path}.${name}`);
  const found = [...new Set([...old.keys(), ...now.keys()])].flatMap((name) => compare(at(name), old.get(name), now.get(name)));
  if (found.length > 0) return found;
  return [{ path, change: 'field-order' }];
}

function compare(path: string, before: RawElement | undefined, after: RawElement | undefined): readonly FieldDifference[] {
  if (before === undefined) return after === undefined ? [] : [{ path, change: 'added', after }];
  if (after === undefined) return [{ path, change: 'removed', before }];
  if (before.type !== after.type) return [{ path, change: 'retyped', before, after }];
  if (before.value.equals(after.value)) return [];
  if (before.type === embedded) return fieldDifferences(before.value, after.value, path);
  return before.type === array ? compareArrays(path, before, after) : [{ path, change: 'changed', before, after }];
}

function compareArrays(path: string, before: RawElement, after: RawElement): readonly FieldDifference[] {
  const old = [...elementsOf(before.value)];
  const now = [...elementsOf(after.value)];
  if (old.length !== now.length) return [{ path, change: 'changed', before, after }];
  const text = ({ type, value }: RawElement): string => `${type} ${value.toString('latin1')}`;
  if (old.map(text).sort().join('\n') === now.map(text).sort().join('\n')) return [{ path, change: 'array-order' }];
  return old.flatMap((element, index) => compare(`${path}[]`, element, now[index]));
}
