import { compareCensus, type CensusDifference } from '../../checks/compare-census.ts';
import type { State } from './capture.ts';
import { compareContents, type ComparisonOptions, type ContentDifference } from './compare-contents.ts';

/** How two states of a database differ: structure, and the documents one by one. */
export interface StateComparison {
  /** Collections that came or went, types, options and indexes; other counts and digests only where the documents could not be kept. */
  readonly structure: readonly CensusDifference[];
  readonly contents: readonly ContentDifference[];
}

export function compareStates(before: State, after: State, options: ComparisonOptions): StateComparison {
  const contents: ContentDifference[] = [];
  const structure = compareCensus(before.census, after.census).filter(({ what, collection }) => {
    if (what !== 'documents' && what !== 'digest') return true;
    const spills = [before.contents.get(collection), after.contents.get(collection)] as const;
    if (spills.includes(undefined)) return true;
    const found = compareContents(collection, spills, options);
    // Equal documents with another digest cannot be; saying it is better than hiding it.
    if (found === undefined) return true;
    contents.push(found);
    return false;
  });
  return { structure, contents };
}

/** Nothing differs, or only what differs by nature. */
export function isSame({ structure, contents }: StateComparison): boolean {
  return structure.length === 0 && contents.every(({ added, removed, changed, reordered }) => added + removed + changed + reordered === 0);
}
