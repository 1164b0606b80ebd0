import type { MigrationFile } from '../migration/files.ts';
import type { JournalEntry } from '../migration/journal.ts';
import type { Census } from '../mongo/census.ts';
import type { RestoreStep } from './plan.ts';
import { chooseWhole, type ReadLimit } from './undo/read-whole.ts';

/** Cautious rates of one runner with two cores against a server beside it (docs/benchmarks.md): a plan says "about", a person waits less. */
const provenBytesPerSecond = 150e6;
const restoredBytesPerSecond = 30e6;
const restoredDocumentsPerSecond = 60_000;
const undoneDocumentsPerSecond = 10_000;
const provenDocumentsPerSecond = 50_000;
const least = 1_000;

type Proven = Pick<Census, 'collections'>;

interface UndoWork {
  /** To be put back. */
  readonly documents: number;
  readonly point: Proven;
  /** How much the proof reads although nobody wrote it. */
  readonly readWhole: ReadLimit;
}

/** Milliseconds for putting documents back and for the proof. Pure. */
export function estimateUndo({ documents, point: { collections }, readWhole }: UndoWork): number {
  const whole = chooseWhole(collections, readWhole);
  const large = collections.some(({ name }) => !whole.has(name));
  const readAgain = large ? documents / provenDocumentsPerSecond : 0;
  const read = proof({ collections: collections.filter(({ name }) => whole.has(name)) });
  return least + (documents / undoneDocumentsPerSecond + readAgain) * 1_000 + read;
}

/** Milliseconds for running `down` of the files, which takes as long as their `up` did, as far as the journal tells; and the proof. */
export function estimateDown({
  files,
  journal,
  point,
}: {
  readonly files: readonly MigrationFile[];
  readonly journal: ReadonlyMap<string, Pick<JournalEntry, 'milliseconds'>>;
  readonly point: Proven;
}): number | undefined {
  const times = files.map(({ name }) => journal.get(name)?.milliseconds);
  if (times.some((time) => time === undefined)) return undefined;
  return least + times.reduce<number>((sum, time) => sum + (time ?? 0), 0) + proof(point);
}

/** Milliseconds for loading the collections of the steps, and the proof. */
export function estimateRestore({ steps, point }: { readonly steps: readonly RestoreStep[]; readonly point: Proven }): number {
  const seconds = steps.reduce((sum, step) => {
    if (step.kind === 'drop') return sum;
    return sum + Math.max(step.bytes / restoredBytesPerSecond, step.documents / restoredDocumentsPerSecond);
  }, 0);
  return least + seconds * 1_000 + proof(point);
}

function proof({ collections }: Proven): number {
  return (collections.reduce((sum, { digest }) => sum + (digest?.bytes ?? 0), 0) / provenBytesPerSecond) * 1_000;
}
