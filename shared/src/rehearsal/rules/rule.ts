import type { Statement } from '../../migration/observation.ts';
import type { CollectionEffects } from '../effects.ts';
import type { QueryPlanChange } from '../query-plans.ts';
import type { Stepped } from '../stepping.ts';
import type { Undated } from '../undated.ts';

/** From when on something is much. */
export interface Limits {
  /** Documents that one statement changes. */
  readonly statementDocuments: number;
  /** Documents that are read again and again because no index helps. */
  readonly scannedDocuments: number;
  /** Commands with a single document each. */
  readonly roundTrips: number;
  /** Documents of a collection that gets an index. */
  readonly indexedDocuments: number;
  /** One command without `maxTimeMS`. */
  readonly unlimitedMilliseconds: number;
  readonly transactionDocuments: number;
  readonly transactionMilliseconds: number;
  /** What a transaction writes to the oplog. */
  readonly transactionBytes: number;
  /** Size of one document. */
  readonly documentBytes: number;
  /** Part of a collection that one file changes or removes, percent. */
  readonly changedPercent: number;
}

export const usualLimits: Limits = {
  statementDocuments: 100_000,
  scannedDocuments: 100_000,
  roundTrips: 1_000,
  indexedDocuments: 1_000_000,
  unlimitedMilliseconds: 60_000,
  transactionDocuments: 1_000,
  transactionMilliseconds: 30_000,
  transactionBytes: 16 * 2 ** 20,
  documentBytes: 8 * 2 ** 20,
  changedPercent: 100,
};

/** What a rule may look at: the first `up` of one file on the copy. */
export interface Observed {
  readonly step: Stepped;
  readonly effects: readonly CollectionEffects[];
  /** Number of documents before, by collection. */
  readonly before: ReadonlyMap<string, number>;
  /** How many documents there are for each one of the copy: more than 1 where the copy is a sample. */
  readonly scale: (collection: string) => number;
  /** Options before, Extended JSON, by collection. */
  readonly options: ReadonlyMap<string, string>;
  /** What the files before this one in the same rehearsal sent. */
  readonly earlier: readonly Statement[];
  /** New indexes by which nothing can expire. */
  readonly undated: readonly Undated[];
  /** How the watched queries were answered before and after. */
  readonly queries: readonly QueryPlanChange[];
  /** Bytes of the largest document before and after, by collection. */
  readonly largest: ReadonlyMap<string, { readonly before: number; readonly after: number }>;
  /** Whether `down` was seen to bring everything back. */
  readonly takenBack: boolean;
  readonly limits: Limits;
}

export interface RecordedMatch {
  /** One sentence with the figures that were seen; no values of documents. */
  readonly message: string;
  /** The command that it is about, for its line. */
  readonly statement?: Statement;
  /** Where it is about no single command. */
  readonly line?: number;
  /** In place of that of the rule. */
  readonly severity?: RecordedRule['severity'];
}

/** A rule about what a migration was seen to do. */
export interface RecordedRule {
  /** For example `MP403`; the same as that of the static rule about the same thing. */
  readonly code: string;
  readonly severity: 'error' | 'warning' | 'note';
  /** What is found, one sentence. */
  readonly summary: string;
  /** What to do instead, one sentence. */
  readonly advice: string;
  /** A migration with exactly this finding, in a shop with 3,000 orders and the limits of the tests. */
  readonly bad: string;
  /** A migration that does it well, without any finding. */
  readonly good: string;
  check(observed: Observed): readonly RecordedMatch[];
}

/** A number of documents of the copy, as it is for the whole collection: `1000`, or `about 50000` where the copy is a sample. */
export function wholeText({ scale }: Observed, collection: string, documents: number): string {
  const factor = scale(collection);
  return factor === 1 ? String(Math.round(documents)) : `about ${Math.round(documents * factor)}`;
}

/** The command that wrote this field, for its line. */
export function writerOf({ step }: Observed, collection: string, path: string): Pick<RecordedMatch, 'statement'> {
  const names = (change: string): boolean => {
    const [, field = ''] = change.split(' ');
    return field === path || path.startsWith(`${field}.`) || field.startsWith(`${path}.`);
  };
  const statement = step.observation.statements.find(
    (sent) => sent.collection === collection && sent.modified > 0 && sent.change.some(names),
  );
  return statement === undefined ? {} : { statement };
}

/** The commands with this name. */
export function commandsOf({ step }: Observed, ...names: readonly string[]): readonly Statement[] {
  return step.observation.statements.filter(({ command }) => names.includes(command));
}
