import { setTimeout as sleep } from 'node:timers/promises';
import type { MongoClient, Timestamp } from 'mongodb';
import { fromMongoError } from '../../errors/mongo-errors.ts';
import type { Log } from '../../log/log.ts';
import { createDigester, type Digest } from '../../mongo/digest.ts';
import type { FrameWriter } from '../frame-writer.ts';
import type { Namespace } from '../namespaces.ts';
import { steadily } from '../steadily.ts';
import { TransactionBuffer } from '../stock/oplog-transactions.ts';
import { EntryFilter } from './entry-filter.ts';
import { firstNeeded, newestEntry, readEntries, timeOf } from './server-oplog.ts';
import { Touched } from './touched.ts';

export interface CaptureOptions {
  readonly client: MongoClient;
  readonly databases: readonly string[];
  /** Whether a collection belongs to the backup. */
  readonly wanted: (namespace: Namespace) => boolean;
  readonly log: Log;
  readonly signal: AbortSignal;
}

export interface Captured {
  readonly entries: number;
  readonly digest: Digest;
  readonly from: Timestamp;
  readonly to: Timestamp;
  readonly touched: Touched;
}

/** Milliseconds between two looks at the oplog while the documents are read. */
const pause = 1_000;
const longPause = 3_600_000;
const doing = 'Reading the oplog';
/** Where in the oplog an entry lies is said in errors of a restore; here it was just read from the server. */
const place = { file: 'local.oplog.rs', offset: 0 };

/** Reads the oplog beside a backup, from before its first document to after its last one. */
export class OplogCapture {
  readonly #options: CaptureOptions;
  readonly #from: Timestamp;
  readonly #filter: EntryFilter;
  readonly #touched = new Touched();
  readonly #transactions = new TransactionBuffer();
  readonly #digester = createDigester();
  /** The last entry that was seen. */
  #seen: Timestamp;
  #entries = 0;
  #asked: { readonly time: Timestamp; readonly done: (to: Timestamp) => void } | undefined;
  /** `holding`: nothing more is read until somebody says what comes next. */
  #state: 'reading' | 'holding' | 'finished' = 'reading';
  #wake: () => void = () => undefined;

  private constructor(options: CaptureOptions, from: Timestamp) {
    this.#options = options;
    this.#from = from;
    this.#seen = from;
    this.#filter = new EntryFilter(options.wanted);
  }

  /** Throws the errors of `fromMongoError`. */
  static async start(options: CaptureOptions): Promise<OplogCapture> {
    try {
      return new OplogCapture(options, await firstNeeded(options.client));
    } catch (error) {
      throw fromMongoError(error, doing);
    }
  }

  /** Documents that are read after this time show nothing older than what the oplog begins with. */
  get from(): Timestamp {
    return this.#from;
  }

  /** See `EntryFilter.moved`. */
  get moved(): string | undefined {
    return this.#filter.moved;
  }

  /**
   * Writes the entries until `finish` is called. Throws `backup/oplog-rolled-over`, `dump/unsupported`, the errors of `fromMongoError`, and
   * the reason of the signal.
   */
  async run(frames: FrameWriter): Promise<Captured> {
    try {
      return await this.#run(frames);
    } catch (error) {
      this.#options.signal.throwIfAborted();
      throw fromMongoError(error, doing);
    }
  }

  async #run(frames: FrameWriter): Promise<Captured> {
    const { client } = this.#options;
    while (this.#state !== 'finished') {
      const asked = this.#asked;
      const to = await this.#steadily(() => newestEntry(client, asked?.time));
      if (to.greaterThan(this.#seen)) await this.#steadily(() => this.#copy(frames, to));
      if (asked !== undefined) {
        this.#state = 'holding';
        this.#asked = undefined;
        asked.done(this.#seen);
      }
      await this.#rest();
    }
    return { entries: this.#entries, digest: this.#digester.digest(), from: this.#from, to: this.#seen, touched: this.#touched };
  }

  /** Resolves with the time of the last entry that is written, when that is not before `time`, and writes no more. Never when `run` fails. */
  reach(time: Timestamp): Promise<Timestamp> {
    return new Promise((done) => {
      this.#asked = { time, done };
      this.#go('reading');
    });
  }

  /** Reads on after `reach`. */
  resume(): void {
    this.#go('reading');
  }

  /** Ends `run`. */
  finish(): void {
    this.#go('finished');
  }

  #go(state: 'reading' | 'finished'): void {
    this.#state = state;
    this.#wake();
  }

  async #copy(frames: FrameWriter, to: Timestamp): Promise<void> {
    const { client, databases, signal } = this.#options;
    for await (const batch of readEntries(client, { from: this.#seen, to, databases, signal })) {
      const kept: Buffer[] = [];
      for (const entry of batch) {
        const time = timeOf(entry);
        // The entry with which a look begins was seen by the one before; the very first one is new.
        if (time.lessThanOrEqual(this.#seen) && !(this.#entries === 0 && time.equals(this.#from))) continue;
        this.#seen = time;
        const one = this.#filter.keep(entry);
        if (one !== undefined) kept.push(one);
      }
      await this.#add(frames, kept);
    }
  }

  async #add(frames: FrameWriter, kept: readonly Buffer[]): Promise<void> {
    const last = kept.at(-1);
    if (last === undefined) return;
    const bytes = Buffer.concat(kept);
    let start = 0;
    for (const { length } of kept) {
      this.#touch(bytes.subarray(start, start + length));
      start += length;
    }
    this.#entries += kept.length;
    this.#digester.add(bytes);
    frames.add({ bytes, documents: kept.length, lastStart: bytes.length - last.length });
    await frames.ready();
  }

  #touch(entry: Buffer): void {
    for (const operation of this.#transactions.operations(entry, place))
      if (operation.kind === 'insert' || operation.kind === 'update' || operation.kind === 'delete') this.#touched.add(operation);
  }

  /** Majority reads are never rolled back, so the same look can be taken again with another primary. */
  #steadily<T>(look: () => Promise<T>): Promise<T> {
    const { log, signal } = this.#options;
    return steadily({ doing, log, signal }, look);
  }

  /** Waits for the next look. */
  async #rest(): Promise<void> {
    if (this.#asked !== undefined || this.#state === 'finished') return;
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    const { signal } = this.#options;
    await sleep(this.#state === 'holding' ? longPause : pause, undefined, { signal: AbortSignal.any([signal, woken.signal]) }).catch(
      () => undefined,
    );
    signal.throwIfAborted();
  }
}
