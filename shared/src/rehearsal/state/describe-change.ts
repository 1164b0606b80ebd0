import { BSON } from 'mongodb';
import { elementsOf, rawDocument, stringOf, type RawElement } from '../../mongo/raw-bson.ts';
import type { FieldDifference } from './field-differences.ts';
import { typeName, valueText } from './id-text.ts';
import type { Reveal } from './reveal.ts';

const longest = 60;

/** One field before and after: `total: int → decimal`, `status: string of 4 → string of 6`; with values where they may be shown. Pure. */
export function describeChange({ path, change, before, after }: FieldDifference, reveal: Pick<Reveal, 'values'>): string {
  const name = path === '' ? 'the document' : path;
  if (change === 'field-order') return `${name}: another order of the fields`;
  if (change === 'array-order') return `${name}: another order of the elements`;
  const [was, is] = [before, after].map((side) => sideText(side, reveal));
  return was === is ? `${name}: another ${is}` : `${name}: ${was} → ${is}`;
}

function sideText(element: RawElement | undefined, { values }: Pick<Reveal, 'values'>): string {
  if (element === undefined) return 'nothing';
  return values ? shown(element) : shapeText(element);
}

/** The type, and how much there is of it. */
function shapeText(element: RawElement): string {
  const type = typeName(element);
  if (type === 'string') return `string of ${stringOf(element.value).length}`;
  return type === 'array' ? `array of ${[...elementsOf(element.value)].length}` : type;
}

function shown(element: RawElement): string {
  const plain = valueText(element, true);
  const text = plain.startsWith('(') ? BSON.EJSON.stringify(BSON.deserialize(rawDocument([{ ...element, name: 'v' }]))['v']) : plain;
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}
