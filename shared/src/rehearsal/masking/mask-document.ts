import { elementsOf, rawDocument, stringOf, type RawElement } from '../../mongo/raw-bson.ts';
import {
  arrayType,
  dateType,
  documentType,
  fakeEmail,
  fakeText,
  fakeValue,
  hashValue,
  nullType,
  stringType,
  stringValue,
} from './mask-value.ts';
import { isBirthDate, isEmail, isPersonalText, personalByName, replaceEmails } from './personal.ts';
import type { MaskKey } from './permute.ts';
import { rulesOf, type MaskMethod, type MaskRule, type RulesAt } from './rules.ts';

export interface MaskOptions {
  readonly key: MaskKey;
  readonly rules: readonly MaskRule[];
  /** Whether values that no rule is about are masked when they look personal, by the name of their field or by what they are. */
  readonly detect: boolean;
}

/** Masks documents of one collection. */
export interface Masker {
  /** The masked document; the very same buffer when nothing in it was to be masked. Throws `InvalidBson`. */
  mask(document: Buffer): Buffer;
  /** How many values were masked so far, by field path and method. Positions in arrays are no part of a path. */
  readonly counts: ReadonlyMap<string, { readonly method: MaskMethod; readonly values: number }>;
}

/** Paths that are told apart in the counts; further ones are counted together. */
const mostPaths = 500;

interface Place {
  readonly path: string;
  /** Name of the nearest field, for what looks personal. */
  readonly name: string;
  /** Name of the field or collection that holds it. */
  readonly holder: string;
  readonly rules: RulesAt;
  /** What the name of a field above has decided. */
  readonly byName: MaskMethod | undefined;
}

export function createMasker({ key, rules, detect }: MaskOptions, collection: string): Masker {
  const counts = new Map<string, { method: MaskMethod; values: number }>();
  const root = rulesOf(rules, collection);
  const count = (path: string, method: MaskMethod): void => {
    const label = counts.has(path) || counts.size < mostPaths ? path : 'other fields';
    const known = counts.get(label);
    if (known === undefined) counts.set(label, { method, values: 1 });
    else known.values++;
  };

  const fields = (document: Buffer, place: Place, inArray: boolean): Buffer => {
    let changed = false;
    const elements = [...elementsOf(document)].map((element): RawElement => {
      const masked = inArray ? masking(element, place) : field(element, place);
      changed ||= masked !== element;
      return masked;
    });
    return changed ? rawDocument(elements) : document;
  };

  const field = (element: RawElement, above: Place): RawElement => {
    const name = detect && isEmail(element.name) ? fakeEmail(key, element.name) : element.name;
    const path = above.path === '' ? name : `${above.path}.${name}`;
    const byName = detect ? (above.byName ?? personalByName(element.name, above.name)) : undefined;
    const place = { path, name: element.name, holder: above.name, rules: above.rules.below(element.name), byName };
    const masked = masking(element, place);
    return name === element.name ? masked : { ...masked, name };
  };

  const masking = (element: RawElement, place: Place): RawElement => {
    const { type, value } = element;
    const { method } = place.rules;
    if (method === 'null') {
      if (type === nullType) return element;
      count(place.path, 'null');
      return { ...element, type: nullType, value: Buffer.alloc(0) };
    }
    if (type === documentType || type === arrayType) {
      const inner = fields(value, place, type === arrayType);
      return inner === value ? element : { ...element, value: inner };
    }
    const masked = method === undefined ? byLooks(element, place) : byMethod(element, method);
    if (masked === undefined || masked.value.equals(value)) return element;
    count(place.path, masked.method);
    return { ...element, value: masked.value };
  };

  const byMethod = (element: RawElement, method: MaskMethod): Masked | undefined => {
    if (method === 'hash') return { method, value: hashValue(key, element) };
    return method === 'fake' ? { method, value: fakeValue(key, element) } : undefined;
  };

  const byLooks = (element: RawElement, { name, byName }: Place): Masked | undefined => {
    if (!detect) return undefined;
    if (byName !== undefined && (element.type !== dateType || isBirthDate(name))) return byMethod(element, byName);
    if (element.type !== stringType) return undefined;
    const text = stringOf(element.value);
    const method = isPersonalText(text);
    if (method !== undefined) return byMethod(element, method);
    const replaced = replaceEmails(text, (address) => fakeText(key, address));
    return replaced === text ? undefined : { method: 'fake', value: stringValue(replaced) };
  };

  const start = { path: '', name: collection, holder: '', rules: root, byName: undefined };
  return { mask: (document) => fields(document, start, false), counts };
}

interface Masked {
  readonly method: MaskMethod;
  readonly value: Buffer;
}
