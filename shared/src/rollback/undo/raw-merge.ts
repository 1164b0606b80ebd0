import { elementOf, elementsOf, forEachElement, rawDocument, stringOf, type RawElement } from '../../mongo/raw-bson.ts';

/** One change of a value at a dotted path. */
export interface FieldChange {
  readonly path: string;
  /** The new value with its BSON type; `undefined`: the field is removed. */
  readonly value: { readonly type: number; readonly value: Buffer } | undefined;
  /** An array is cut to this length first. */
  readonly length?: number;
}

const document = 0x03;
const array = 0x04;

/** The changes that `updateDescription` of a change event tells, in the order in which they are to be made. Throws `InvalidBson`. */
export function changesOf(description: Buffer): readonly FieldChange[] {
  const [cut, removed, set]: [FieldChange[], FieldChange[], FieldChange[]] = [[], [], []];
  forEachElement(description, ({ name, value }) => {
    if (name === 'truncatedArrays') forEachElement(value, (element) => cut.push(cutOf(element.value)));
    if (name === 'removedFields') forEachElement(value, (element) => removed.push({ path: stringOf(element.value), value: undefined }));
    if (name === 'updatedFields') forEachElement(value, (element) => set.push({ path: element.name, value: element }));
  });
  return [...cut, ...removed, ...set];
}

function cutOf(array: Buffer): FieldChange {
  const path = stringOf(elementOf(array, 'field')?.value ?? Buffer.alloc(5));
  return { path, value: undefined, length: elementOf(array, 'newSize')?.value.readInt32LE() ?? 0 };
}

/** What turns `before` into `after`, down to the deepest documents; arrays count as one value. Throws `InvalidBson`. */
export function differenceOf(before: Buffer, after: Buffer, prefix = ''): readonly FieldChange[] {
  const old = new Map([...elementsOf(before)].map((element) => [element.name, element]));
  const changes: FieldChange[] = [];
  for (const { name, type, value } of elementsOf(after)) {
    const was = old.get(name);
    old.delete(name);
    if (was !== undefined && was.type === type && was.value.equals(value)) continue;
    const nested = was?.type === document && type === document && !name.includes('.') && value.length > 5;
    if (nested) changes.push(...differenceOf(was.value, value, `${prefix}${name}.`));
    else changes.push({ path: prefix + name, value: { type, value } });
  }
  return [...[...old.keys()].map((name): FieldChange => ({ path: prefix + name, value: undefined })), ...changes];
}

/** The document with these changes made in their order: existing fields keep their place, new ones come last. Throws `InvalidBson`. */
export function withChanges(original: Buffer, changes: readonly FieldChange[]): Buffer {
  return changes.reduce((bytes, change) => changed(bytes, change.path.split('.'), change), original);
}

function changed(bytes: Buffer, path: readonly string[], change: FieldChange): Buffer {
  const elements = [...elementsOf(bytes)];
  const whole = path.join('.');
  const direct = elements.findIndex(({ name }) => name === whole);
  const [first = '', ...rest] = path;
  if (direct !== -1 || rest.length === 0) return rawDocument(placed(elements, { index: direct, name: whole, change }));
  const index = elements.findIndex(({ name }) => name === first);
  const parent = elements[index];
  if (parent === undefined || (parent.type !== document && parent.type !== array)) {
    if (change.value === undefined) return bytes;
    const inner = changed(Buffer.from([5, 0, 0, 0, 0]), rest, change);
    return rawDocument(placed(elements, { index, name: first, change: { path: first, value: { type: document, value: inner } } }));
  }
  return rawDocument(elements.with(index, { ...parent, value: changed(parent.value, rest, change) }));
}

function placed(
  elements: readonly RawElement[],
  { index, name, change }: { readonly index: number; readonly name: string; readonly change: FieldChange },
): readonly RawElement[] {
  const found = elements[index];
  if (change.length !== undefined)
    return found === undefined
      ? elements
      : elements.with(index, { ...found, value: rawDocument([...elementsOf(found.value)].slice(0, change.length)) });
  if (change.value === undefined) return elements.filter((_, at) => at !== index);
  const element = { ...change.value, name };
  return found === undefined ? [...elements, element] : elements.with(index, element);
}
