import { setTimeout as sleep } from 'node:timers/promises';
import type { ClientSession, Db } from 'mongodb';
import { GuardError } from '../../errors/guard-error.ts';
import type { Log } from '../../log/log.ts';
import { startProgress } from '../../log/progress.ts';
import type { DocumentHistory } from './history.ts';
import { timestampOf, type Observed } from './observed.ts';
import { writeBack, type PutBack, type WrittenBack } from './write-back.ts';

/** Documents of one collection that are to be put back. */
export interface Pending {
  /** As the collection is called now. */
  readonly collection: string;
  /** Whether it has a validator now. */
  readonly validated: boolean;
  readonly histories: readonly DocumentHistory[];
}

export interface PutBackOptions {
  readonly db: Db;
  readonly observed: Observed;
  /** What there is to do by all that is known when it is asked. */
  pending(): readonly Pending[];
  /** The document as it has to be; `skip`: a conflict that is to be left. */
  readonly wanted: (history: DocumentHistory) => PutBack | 'skip';
  readonly total: { readonly documents: number; readonly bytes: number };
  /** To be awaited before each transaction. */
  readonly confirm: () => Promise<void>;
  /** To be told of each session before it writes, 32 hex digits. */
  announce(session: string): Promise<void>;
  readonly log: Log;
  readonly signal: AbortSignal;
}

const batchDocuments = 1_000;
const batchBytes = 4 * 2 ** 20;
const batchesInFlight = 4;
/** How often a document that others write all the time is tried; longer than a transaction that nobody ends holds it. */
const mostAttempts = 400;
const longestPause = 250;
/** Documents whose unique values change places go in one transaction. */
const mostTogether = 20_000;

/**
 * Puts documents back until none is left, also while others write: a transaction writes only what nobody wrote since its state was read,
 * else it is made again from what is there then. Throws `rollback/undo-incomplete`, the reason of the signal, and as `fromMongoError`.
 */
export async function putDocumentsBack(options: PutBackOptions): Promise<void> {
  const { db, observed } = options;
  const sessions = Array.from({ length: batchesInFlight }, () => db.client.startSession({ causalConsistency: false }));
  try {
    const ids = sessions.map(sessionOf);
    for (const id of ids) await options.announce(id);
    // The stream goes on behind an event that is not of these sessions, which the driver may have used before.
    await observed.refresh();
    await observed.leaveOut(ids);
    await new PuttingBack(options, sessions).run();
  } finally {
    for (const session of sessions) await session.endSession();
  }
}

/** 32 hex digits. Throws when the driver gives no session, which it does once it is connected. */
function sessionOf({ id }: ClientSession): string {
  if (id === undefined) throw new Error('The driver gave no session.');
  return Buffer.from(id.id.buffer).toString('hex');
}

class PuttingBack {
  readonly #options: PutBackOptions;
  readonly #sessions: readonly ClientSession[];
  readonly #progress: ReturnType<typeof startProgress>;
  /** Time of the last write that was known when a document was left as it is: no news, nothing to do. */
  readonly #left: Map<DocumentHistory, bigint> = new Map();
  readonly #attempts: Map<DocumentHistory, number> = new Map();
  #queue: Pending[] = [];
  #stuck: Pending[] = [];

  constructor(options: PutBackOptions, sessions: readonly ClientSession[]) {
    this.#options = options;
    this.#sessions = sessions;
    this.#progress = startProgress({ log: options.log, doing: 'Putting documents back', total: options.total });
  }

  async run(): Promise<void> {
    for (;;) {
      await this.#options.observed.refresh();
      this.#queue = this.#options.pending().flatMap((pending) => this.#batches(pending));
      if (this.#queue.length === 0) break;
      this.#stuck = [];
      const ended = await Promise.allSettled(this.#sessions.map((session) => this.#work(session)));
      for (const end of ended) if (end.status === 'rejected') throw end.reason;
      await this.#together();
    }
    this.#options.log.info(`Put back ${this.#progress.summary()}`);
  }

  #batches({ histories, ...of }: Pending): readonly Pending[] {
    const open = histories.filter((history) => this.#left.get(history) !== lastTime(history));
    const batches: Pending[] = [];
    let batch: DocumentHistory[] = [];
    let bytes = 0;
    for (const history of open) {
      const size = history.writes.reduce((most, { before }) => Math.max(most, before?.length ?? 0), 0);
      if (batch.length > 0 && (batch.length >= batchDocuments || bytes + size > batchBytes)) {
        batches.push({ ...of, histories: batch });
        [batch, bytes] = [[], 0];
      }
      batch.push(history);
      bytes += size;
    }
    return batch.length === 0 ? batches : [...batches, { ...of, histories: batch }];
  }

  async #work(session: ClientSession): Promise<void> {
    for (let batch = this.#queue.shift(); batch !== undefined; batch = this.#queue.shift()) {
      this.#options.signal.throwIfAborted();
      await this.#options.confirm();
      // The server keeps a record of each session: a transaction that reads as it was before the last one of its session is in conflict with it.
      await this.#options.observed.refresh();
      const outcome = await this.#write(batch, { session, apart: false });
      if (outcome === 'changed') await this.#again(batch);
      if (outcome === 'duplicate') this.#halve(batch, this.#stuck);
    }
  }

  async #write({ histories, ...of }: Pending, how: { readonly session: ClientSession; readonly apart: boolean }): Promise<WrittenBack> {
    const { db, observed, wanted } = this.#options;
    const at = timestampOf(observed.reached);
    const documents: PutBack[] = [];
    const putBack: DocumentHistory[] = [];
    for (const history of histories) {
      const document = history.writes.length === 0 ? 'skip' : wanted(history);
      if (document === 'skip') {
        this.#left.set(history, lastTime(history));
        continue;
      }
      documents.push(document);
      putBack.push(history);
    }
    const outcome = documents.length === 0 ? 'done' : await writeBack(documents, { db, at, ...of, ...how });
    if (outcome !== 'done') return outcome;
    for (const history of putBack) observed.histories.putBack(history);
    this.#progress.add(
      documents.length,
      documents.reduce((sum, { document }) => sum + (document?.length ?? 0), 0),
    );
    return outcome;
  }

  async #again(batch: Pending): Promise<void> {
    const [first] = batch.histories;
    if (first === undefined) return;
    const attempts = (this.#attempts.get(first) ?? 0) + 1;
    this.#attempts.set(first, attempts);
    if (attempts > mostAttempts) {
      throw new GuardError('rollback/undo-incomplete', `A document of ${batch.collection} is written by others all the time.`);
    }
    await sleep(Math.min(attempts * 2, longestPause), undefined, { signal: this.#options.signal });
    await this.#options.observed.refresh();
    if (attempts < 3) this.#queue.unshift(batch);
    else this.#halve(batch, undefined);
  }

  /** The half without the cause goes through. A document alone goes to `last`, or once more into the queue. */
  #halve(batch: Pending, last: Pending[] | undefined): void {
    const { histories } = batch;
    if (histories.length === 1) {
      (last ?? this.#queue).push(batch);
      return;
    }
    const middle = Math.ceil(histories.length / 2);
    this.#queue.unshift({ ...batch, histories: histories.slice(0, middle) }, { ...batch, histories: histories.slice(middle) });
  }

  /** Documents that hold each other's unique values: all are deleted and inserted again, in one transaction. */
  async #together(): Promise<void> {
    const [session] = this.#sessions;
    for (const [collection, stuck] of Map.groupBy(this.#stuck, (batch) => batch.collection)) {
      const histories = stuck.flatMap((batch) => batch.histories);
      const validated = stuck.some((batch) => batch.validated);
      if (session === undefined || histories.length > mostTogether) {
        throw new GuardError('rollback/undo-incomplete', `${histories.length} documents of ${collection} hold unique values of others.`);
      }
      for (let attempt = 1; ; attempt++) {
        this.#options.signal.throwIfAborted();
        await this.#options.confirm();
        await this.#options.observed.refresh();
        const outcome = await this.#write({ collection, validated, histories }, { session, apart: true });
        if (outcome === 'done') break;
        await sleep(Math.min(attempt * 2, longestPause), undefined, { signal: this.#options.signal });
        if (outcome === 'duplicate' || attempt >= mostAttempts) {
          throw new GuardError(
            'rollback/undo-incomplete',
            `${histories.length} documents of ${collection} have unique values that others took since.`,
          );
        }
      }
    }
  }
}

function lastTime({ writes }: DocumentHistory): bigint {
  return writes.at(-1)?.time ?? 0n;
}
