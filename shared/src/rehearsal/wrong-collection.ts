import type { Observation } from '../migration/observation.ts';

/** A collection that a file uses and that is not there, while one with nearly the same name is. */
export interface WrongCollection {
  readonly collection: string;
  readonly meant: string;
  readonly line?: number;
}

const writes = new Set(['insert', 'update', 'delete', 'findAndModify']);

/**
 * Finds slips of the pen: writes to a collection that neither was there before nor was made on purpose, and whose name differs from that of
 * one that was there only by case, a plural or a separator, or by one letter. Pure.
 */
export function wrongCollections({ statements }: Pick<Observation, 'statements'>, existing: readonly string[]): readonly WrongCollection[] {
  const made = new Set(
    statements.filter(({ command }) => command === 'create' || command === 'createIndexes').map(({ collection }) => collection),
  );
  const known = new Set([...existing, ...made]);
  const found = new Map<string, WrongCollection>();
  for (const { command, collection, place } of statements) {
    if (!writes.has(command) || known.has(collection) || found.has(collection)) continue;
    const meant = existing.find((name) => isSlip(collection, name));
    if (meant !== undefined) found.set(collection, { collection, meant, ...(place?.line === undefined ? {} : { line: place.line }) });
  }
  return [...found.values()];
}

function isSlip(written: string, name: string): boolean {
  const plain = (text: string): string =>
    text
      .toLowerCase()
      .replace(/[^a-z0-9]/g, '')
      .replace(/(e?s)$/, '');
  if (plain(written) !== '' && plain(written) === plain(name)) return true;
  return name.length >= 5 && !/\d/.test(written + name) && isOneEditAway(written.toLowerCase(), name.toLowerCase());
}

/** One letter too many, too few, another one, or two that changed places. */
function isOneEditAway(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1) return false;
  let start = 0;
  while (start < a.length && a[start] === b[start]) start += 1;
  const [restA, restB] = [a.slice(start), b.slice(start)];
  const swapped = restA[0] === restB[1] && restA[1] === restB[0] && restA.slice(2) === restB.slice(2);
  return swapped || restA.slice(1) === restB || restA === restB.slice(1) || restA.slice(1) === restB.slice(1);
}
