import { readTracked, trackedFiles } from './tracked-files.ts';

/** The faults of backups and of their undo: each is a test that ends in an exact digest, or in a clear failure and no committed manifest. */
const lastFault = 57;

/** Every number of the list of faults stands in the title of a test: `fault 12: …`, `faults 33–35, 37: …`. */
export function check(): readonly string[] {
  const shown = new Set<number>();
  for (const file of trackedFiles(/^(shared\/src|action-[^/]+)\/.*\.test\.ts$/))
    for (const fault of faultsIn(readTracked(file))) shown.add(fault);
  const missing = Array.from({ length: lastFault }, (_, index) => index + 1).filter((fault) => !shown.has(fault));
  return missing.map((fault) => `fault ${fault}: no test has this number in its title`);
}

function faultsIn(source: string): readonly number[] {
  return [...source.matchAll(/['"`]faults? (\d[\d, –]*): /g)].flatMap(([, numbers = '']) => numbers.split(',').flatMap(rangeIn));
}

function rangeIn(text: string): readonly number[] {
  const [first = 0, last = first] = text.split('–').map(Number);
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
