import { formatBytes } from '../../log/format-bytes.ts';
import type { CollectionSize } from '../../mongo/collection-sizes.ts';
import type { OplogWindow } from '../../mongo/oplog-window.ts';
import type { Finding } from '../../report/run-report.ts';

type Sizes = ReadonlyMap<string, Pick<CollectionSize, 'documents' | 'bytes'>>;

/** What one file did on the copy. */
export interface RehearsedWork {
  readonly name: string;
  /** Of the first `up`. */
  readonly milliseconds: number;
  /** Collections that it read or wrote. */
  readonly collections: readonly string[];
  /** Commands that it sent, one round trip each. */
  readonly commands: number;
  /** Documents that it inserted, changed and deleted. */
  readonly documents: number;
}

/** What is known of the server on which the files will be applied. */
export interface TargetMeasures {
  readonly sizes: Sizes;
  /** Median time of a command that does nothing, milliseconds. */
  readonly roundTrip: number;
  readonly oplog?: OplogWindow | undefined;
}

export interface ForecastInput {
  readonly files: readonly RehearsedWork[];
  /** As it was before the files ran. */
  readonly copy: Sizes;
  /** `undefined` when the rehearsal could not ask the target. */
  readonly target: TargetMeasures | undefined;
  /** What the files wrote to the oplog of the copy; `undefined` when its server does not tell. */
  readonly oplogBytes: number | undefined;
}

/** Milliseconds. */
export interface Range {
  readonly least: number;
  readonly most: number;
}

export interface Forecast {
  readonly files: readonly (Range & { readonly name: string })[];
  readonly total: Range;
  readonly documents: number;
  /** Bytes that the target's oplog will take. */
  readonly oplogBytes: number | undefined;
  /** Part of the oplog's window that the migration uses up, 0 to 1 and more: from 1 on a secondary that stands still is lost. */
  readonly oplogShare: number | undefined;
  readonly lagRisk: 'low' | 'medium' | 'high' | undefined;
}

/** A server that is twice as fast as the copy's, and one that is four times as slow: under load, on network disks, with secondaries to wait for. */
const spread = { least: 0.5, most: 4 } as const;
/** Where the target was not asked, it may be in the same rack or on another continent. Milliseconds. */
const unknownRoundTrip = { least: 0.2, most: 50 } as const;
/** Rates of writing, bytes a second, from which on secondaries were seen to fall behind. */
const lagRates = { medium: 5e6, high: 20e6 } as const;

/** What the files will take on the target, from what they took on the copy and how much larger the target is. */
export function forecast({ files, copy, target, oplogBytes }: ForecastInput): Forecast {
  const roundTrip = target === undefined ? unknownRoundTrip : { least: target.roundTrip, most: target.roundTrip * 2 };
  const scaled = files.map((file) => ({ file, ...scalesOf(file, copy, target?.sizes) }));
  const ranges = scaled.map(({ file, scale }) => ({
    name: file.name,
    least: Math.round(scale * (file.milliseconds * spread.least + file.commands * roundTrip.least)),
    most: Math.round(scale * (file.milliseconds * spread.most + file.commands * roundTrip.most)),
  }));
  const total = { least: sum(ranges.map(({ least }) => least)), most: sum(ranges.map(({ most }) => most)) };
  const written = oplogBytes === undefined ? undefined : Math.round(oplogBytes * largest(scaled.map(({ scale }) => scale)));
  return {
    files: ranges,
    total,
    documents: Math.round(sum(scaled.map(({ file, byDocuments }) => file.documents * byDocuments))),
    oplogBytes: written,
    oplogShare: shareOf(written, total, target?.oplog),
    lagRisk: written === undefined ? undefined : lagRiskOf(written / Math.max(1, total.least / 1_000)),
  };
}

interface Scales {
  readonly byDocuments: number;
  /** By documents or by bytes, whichever is more: masked documents are not as long as they were. */
  readonly scale: number;
}

/** How much more of what the file works on the target holds. A copy that was larger saves nothing: the migration may grow it. */
function scalesOf({ collections }: RehearsedWork, copy: Sizes, target: Sizes | undefined): Scales {
  const by = (measure: 'documents' | 'bytes'): number =>
    largest(
      collections.map((name) => {
        const [ours, theirs] = [copy.get(name)?.[measure] ?? 0, target?.get(name)?.[measure] ?? 0];
        return ours === 0 ? 1 : theirs / ours;
      }),
    );
  const byDocuments = by('documents');
  return { byDocuments, scale: Math.max(byDocuments, by('bytes')) };
}

function largest(scales: readonly number[]): number {
  return Math.max(1, ...scales);
}

/** The larger of two shares: the bytes that push others out, and the time in which the oplog turns over anyway. */
function shareOf(written: number | undefined, { most }: Range, oplog: OplogWindow | undefined): number | undefined {
  if (oplog === undefined || oplog.bytes === 0) return undefined;
  const byBytes = (written ?? 0) / oplog.bytes;
  return Math.max(byBytes, oplog.window === 0 ? 0 : most / oplog.window);
}

function lagRiskOf(rate: number): Forecast['lagRisk'] {
  if (rate >= lagRates.high) return 'high';
  return rate >= lagRates.medium ? 'medium' : 'low';
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Limits that the forecast must keep; an absent one is no limit. */
export interface Budget {
  /** Longest time on the target, milliseconds. */
  readonly time?: number | undefined;
  /** Documents that may be written. */
  readonly documents?: number | undefined;
  /** Percent of the target's oplog window. */
  readonly oplogPercent?: number | undefined;
}

/** One finding for every limit that the forecast breaks, or that cannot be held against anything because the target was not asked. */
export function judgeBudget({ total, documents, oplogShare, oplogBytes }: Forecast, budget: Budget): readonly Finding[] {
  const over = (message: string): Finding => ({ severity: 'error', rule: 'rehearsal/over-budget', message });
  const found: Finding[] = [];
  if (budget.time !== undefined && total.most > budget.time)
    found.push(over(`The migration may take ${rangeText(total)} on the target, the budget is ${timeText(budget.time)}.`));
  if (budget.documents !== undefined && documents > budget.documents)
    found.push(
      over(
        `The migration will write about ${documents.toLocaleString('en')} documents, the budget is ${budget.documents.toLocaleString('en')}.`,
      ),
    );
  if (budget.oplogPercent === undefined) return found;
  if (oplogShare === undefined)
    return [
      ...found,
      {
        severity: 'warning',
        rule: 'rehearsal/budget-not-known',
        message:
          'The budget of the oplog could not be checked: give `uri` of a replica set to the rehearsal, and the right to read its oplog.',
      },
    ];
  if (oplogShare * 100 > budget.oplogPercent) {
    const bytes = oplogBytes === undefined ? '' : ` (${formatBytes(oplogBytes)} to the oplog)`;
    found.push(
      over(`The migration may use ${percentText(oplogShare)} of the oplog's window${bytes}, the budget is ${budget.oplogPercent} %.`),
    );
  }
  return found;
}

/** For people: `2 s to 15 s`. */
export function rangeText({ least, most }: Range): string {
  const [from, to] = [timeText(least), timeText(most)];
  return from === to ? from : `${from} to ${to}`;
}

export function percentText(share: number): string {
  const percent = share * 100;
  return `${percent < 10 ? percent.toFixed(1) : Math.round(percent)} %`;
}

function timeText(milliseconds: number): string {
  if (milliseconds < 1_000) return 'under 1 s';
  const seconds = Math.round(milliseconds / 1_000);
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}
