import type { MongoClient } from 'mongodb';
import type { Log } from '../log/log.ts';
import type { Progress } from '../log/progress.ts';

/** The default of the server, seconds. */
const defaultWindow = 300;
/** Part of the window that a backup may need: beyond it there is no room for a slow minute. */
const mostOfWindow = 0.9;
/** Parts of the window and of the bytes after which the rate is believed. */
const firstLook = 0.02;
const firstShare = 0.01;

/** How long the server keeps the history that snapshot reads need, seconds. The default where the user may not ask. */
export async function snapshotWindow(client: MongoClient): Promise<number> {
  const name = 'minSnapshotHistoryWindowInSeconds';
  const reply = await client
    .db('admin')
    .command({ getParameter: 1, [name]: 1 })
    .catch(() => undefined);
  const window: unknown = reply?.[name];
  return typeof window === 'number' ? window : defaultWindow;
}

export interface Pace {
  /** Bytes of BSON in all, as the server estimates them. */
  readonly total: number;
  readonly done: number;
  /** Milliseconds since the snapshot was chosen. */
  readonly elapsed: number;
  /** Milliseconds. */
  readonly window: number;
}

/**
 * How many milliseconds the whole reading will take at the rate so far, when that is longer than the server surely keeps the snapshot;
 * `undefined` while it fits, while the rate is not worth believing, and when nothing is left to read.
 */
export function tooLongFor({ total, done, elapsed, window }: Pace): number | undefined {
  if (done < total * firstShare || done >= total || elapsed < window * firstLook) return undefined;
  const expected = (elapsed / done) * total;
  return expected > window * mostOfWindow ? expected : undefined;
}

/** A snapshot is foreseen to grow too old before everything is read. */
export class SnapshotTooShort extends Error {
  override readonly name = 'SnapshotTooShort';
}

export interface WatchOptions {
  readonly progress: Progress;
  readonly total: number | undefined;
  /** Seconds. */
  readonly window: number;
  readonly log: Log;
  readonly now: () => Date;
  /** Whether a weaker kind of consistency may be taken instead; otherwise it is only said. */
  readonly mayGiveUp: boolean;
}

/** The progress of a snapshot, watched: `add` throws `SnapshotTooShort` as soon as it is foreseen that it will not be done in time. */
export function watchedProgress({ progress, total, window, log, now, mayGiveUp }: WatchOptions): Progress {
  if (total === undefined) return progress;
  const started = now().getTime();
  let done = 0;
  let said = false;
  return {
    ...progress,
    add(documents, bytes) {
      progress.add(documents, bytes);
      done += bytes;
      const expected = said ? undefined : tooLongFor({ total, done, elapsed: now().getTime() - started, window: window * 1_000 });
      if (expected === undefined) return;
      const message = `Reading will take about ${Math.ceil(expected / 1_000)} s, and the server promises to keep a snapshot for ${window} s.`;
      if (mayGiveUp) throw new SnapshotTooShort(message);
      said = true;
      log.warning(`${message} Raise minSnapshotHistoryWindowInSeconds, or use consistency: oplog.`);
    },
  };
}
