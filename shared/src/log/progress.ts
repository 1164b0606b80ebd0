import { formatBytes } from './format-bytes.ts';
import { formatCount } from './format-count.ts';
import type { Log } from './log.ts';

export interface ProgressOptions {
  readonly log: Log;
  /** What is done, for example `Backing up`. */
  readonly doing: string;
  /** What there is to do, as far as it is known. */
  readonly total?: { readonly documents: number; readonly bytes: number } | undefined;
  /** Milliseconds; for tests. */
  readonly clock?: () => number;
}

/** Says how far long work is, at a human pace: after five seconds, then every ten. */
export interface Progress {
  add(documents: number, bytes: number): void;
  /** Documents, bytes, seconds and rate in all. */
  summary(): string;
}

const firstAfter = 5_000;
const every = 10_000;

export function startProgress({ log, doing, total, clock = () => performance.now() }: ProgressOptions): Progress {
  const started = clock();
  let next = started + firstAfter;
  let documents = 0;
  let bytes = 0;
  const rate = (now: number): number => bytes / Math.max(now - started, 1);
  return {
    add(moreDocuments, moreBytes) {
      documents += moreDocuments;
      bytes += moreBytes;
      const now = clock();
      if (now < next) return;
      next = now + every;
      const known = total !== undefined && total.bytes >= bytes;
      const left = known ? `, about ${Math.ceil((total.bytes - bytes) / rate(now) / 1_000)} s left` : '';
      log.info(`${doing}: ${count(documents, total?.documents)} documents, ${amount(bytes, total?.bytes)}, ${perSecond(rate(now))}${left}`);
    },
    summary() {
      const now = clock();
      const seconds = ((now - started) / 1_000).toFixed(1);
      return `${formatCount(documents)} documents, ${formatBytes(bytes)} in ${seconds} s (${perSecond(rate(now))})`;
    },
  };
}

function count(done: number, total: number | undefined): string {
  return total === undefined || total < done ? formatCount(done) : `${formatCount(done)} of ${formatCount(total)}`;
}

function amount(done: number, total: number | undefined): string {
  return total === undefined || total < done ? formatBytes(done) : `${formatBytes(done)} of ${formatBytes(total)}`;
}

function perSecond(bytesPerMillisecond: number): string {
  return `${formatBytes(bytesPerMillisecond * 1_000)}/s`;
}
