import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { BSON, UUID, type ClientSession, type Db, type Document, type MongoClient, type Timestamp } from 'mongodb';
import { fromMongoError, isRetryable, serverCode } from '../errors/mongo-errors.ts';
import { asBuffer, elementOf, elementsOf, forEachInArray, InvalidBson } from './raw-bson.ts';

export interface ChangesOptions {
  readonly client: MongoClient;
  readonly database: string;
  /** The first event that is wanted is the first after this cluster time. */
  readonly after: bigint;
  /** Whether events carry the document as it was before, where the server kept it (6.0 and newer). */
  readonly preImages: boolean;
  /** Whether changes of definitions are told (6.0 and newer). */
  readonly definitions: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** The changes of a database in the order in which they were made. */
export interface Changes {
  /** All changes before this cluster time, and those at it, were visited. */
  readonly reached: bigint;
  /**
   * Calls `visit` with each event up to `until`, as raw BSON that is only valid during the call. Goes on after a fail-over. Throws
   * `server/history-lost` when the server no longer knows what happened since the beginning, and the errors of `fromMongoError`.
   */
  readUntil(until: bigint, visit: (event: Buffer) => void): Promise<void>;
  /** From now on what is done in transactions of these sessions (32 hex digits) is not told. */
  leaveOut(sessions: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

/** How long a getMore waits for news: longer each time there are none. */
const leastWait = 1;
const mostWait = 200;
/** Most events of one reply: while they are visited, the server gathers the next. */
const batchEvents = 4_000;
/** Bytes of an empty BSON array. */
const emptyArray = 5;
/** How long a server may be away before the reader gives up. */
const patienceMilliseconds = 60_000;

/** Cluster time as a number that can be compared: seconds in the upper, increment in the lower 32 bits. */
export function timeOf(time: Timestamp): bigint {
  return time.toBigInt();
}

interface Cursor {
  readonly id: bigint;
  readonly batch: Buffer;
  /** Resume token of the end of the batch, raw BSON. */
  readonly token: Buffer | undefined;
}

/** Opens nothing before the first read. The raw way is twice as fast as the driver's cursor. */
export function openChanges(options: ChangesOptions): Changes {
  const replies = new Replies(options);
  let reached = options.after;
  return {
    get reached() {
      return reached;
    },
    async readUntil(until, visit) {
      while (reached < until) {
        const { batch, token } = await replies.next();
        const place = placeOf(token);
        if (place.time < until) await replies.askAhead();
        forEachInArray(batch, (start, end) => visit(batch.subarray(start, end)));
        // A transaction has many events at one time: only when nothing comes after one of them, all of that time were visited.
        reached = maximum(reached, place.isEvent && hasNews(batch) ? place.time - 1n : place.time);
      }
      replies.hurry();
    },
    leaveOut: (sessions) => replies.leaveOut(sessions),
    close: () => replies.close(),
  };
}

/** The replies of a change stream one after another, also after a fail-over. */
class Replies {
  readonly #options: ChangesOptions;
  readonly #db: Db;
  readonly #session: ClientSession;
  #cursor = 0n;
  #token: Buffer | undefined;
  #leftOut: readonly string[] = [];
  #wait = leastWait;
  /** A reply that was asked for while the one before it was visited. */
  #ahead: Promise<Cursor> | undefined;

  constructor(options: ChangesOptions) {
    this.#options = options;
    this.#db = options.client.db(options.database);
    this.#session = options.client.startSession({ causalConsistency: false });
  }

  async next(): Promise<Cursor> {
    const reply = await this.#patiently();
    this.#cursor = reply.id;
    this.#token = reply.token ?? this.#token;
    if (hasNews(reply.batch)) this.hurry();
    else this.#wait = Math.min(2 * this.#wait, mostWait);
    return { ...reply, token: this.#token };
  }

  /** To be called where the next reply will be wanted for sure. */
  async askAhead(): Promise<void> {
    this.#ahead = this.#ask();
    this.#ahead.catch(() => undefined);
    // The driver sends it in one of the next turns, which must come before the visits: they take as long as the server needs.
    await nextTurn();
  }

  /** News are expected at once. */
  hurry(): void {
    this.#wait = leastWait;
  }

  async leaveOut(sessions: readonly string[]): Promise<void> {
    this.#leftOut = sessions;
    await this.#end();
  }

  async close(): Promise<void> {
    await this.#end();
    await this.#session.endSession();
  }

  async #ask(): Promise<Cursor> {
    const command =
      this.#cursor === 0n
        ? openingCommand(this.#options, { token: this.#token, leftOut: this.#leftOut })
        : { getMore: this.#cursor, collection: '$cmd.aggregate', batchSize: batchEvents, maxTimeMS: this.#wait };
    return cursorOf(await this.#db.command(command, { raw: true, session: this.#session }));
  }

  async #patiently(): Promise<Cursor> {
    const { database, signal } = this.#options;
    const deadline = performance.now() + patienceMilliseconds;
    for (;;) {
      signal?.throwIfAborted();
      try {
        const asked = this.#ahead ?? this.#ask();
        this.#ahead = undefined;
        return await asked;
      } catch (error) {
        signal?.throwIfAborted();
        this.#cursor = 0n;
        if (!isResumable(error) || performance.now() > deadline) throw fromMongoError(error, `Reading the changes of ${database}`);
        await sleep(250, undefined, signal === undefined ? {} : { signal });
      }
    }
  }

  async #end(): Promise<void> {
    if (this.#cursor === 0n) return;
    const command = { killCursors: '$cmd.aggregate', cursors: [this.#cursor] };
    await this.#db.command(command, { session: this.#session }).catch(() => undefined);
    this.#cursor = 0n;
  }
}

function hasNews(batch: Buffer): boolean {
  return batch.length > emptyArray;
}

interface Opening {
  readonly token: Buffer | undefined;
  readonly leftOut: readonly string[];
}

function openingCommand({ after, preImages, definitions }: ChangesOptions, { token, leftOut }: Opening): Document {
  const start = token === undefined ? { startAtOperationTime: new BSON.Timestamp(after + 1n) } : { startAfter: BSON.deserialize(token) };
  const images = preImages ? { fullDocumentBeforeChange: 'whenAvailable' } : {};
  const expanded = definitions ? { showExpandedEvents: true } : {};
  const others = leftOut.length === 0 ? [] : [{ $match: { 'lsid.id': { $nin: leftOut.map((id) => new UUID(id)) } } }];
  return {
    aggregate: 1,
    pipeline: [{ $changeStream: { ...start, ...images, ...expanded } }, ...others],
    cursor: {},
    readConcern: { level: 'majority' },
  };
}

function cursorOf(reply: Document): Cursor {
  const cursor = asBuffer(reply['cursor'] as Uint8Array);
  let id = 0n;
  let batch: Buffer | undefined;
  let token: Buffer | undefined;
  for (const { name, value } of elementsOf(cursor)) {
    if (name === 'id') id = value.readBigInt64LE();
    if (name === 'firstBatch' || name === 'nextBatch') batch = value;
    if (name === 'postBatchResumeToken') token = Buffer.from(value);
  }
  if (batch === undefined) throw new InvalidBson('a cursor reply holds no batch', 0);
  return { id, batch, token };
}

/** A resume token is a key string: a byte that says timestamp, the cluster time (big endian), version, type (128: that of an event; 0: of a time), … */
function placeOf(token: Buffer | undefined): { readonly time: bigint; readonly isEvent: boolean } {
  const data = token === undefined ? undefined : elementOf(token, '_data')?.value;
  const text = data === undefined ? '' : data.toString('latin1', 4, data.length - 1);
  if (!text.startsWith('82')) return { time: 0n, isEvent: false };
  return { time: BigInt(`0x${text.slice(2, 18)}`), isEvent: text.startsWith('2C0100', 22) };
}

/** A lost cursor, a fail-over: the stream goes on from its token. */
function isResumable(error: unknown): boolean {
  const labels = (error as { errorLabels?: readonly string[] } | null)?.errorLabels ?? [];
  return labels.includes('ResumableChangeStreamError') || serverCode(error) === 43 || isRetryable(error);
}

function maximum(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
