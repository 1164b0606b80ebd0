import type { CommandFailedEvent, CommandStartedEvent, CommandSucceededEvent, Document, MongoClient } from 'mongodb';
import type * as Mongo from 'mongodb';
import type { Observation, ObservedTransaction, Statement, StatementPlace } from '../observation.ts';
import { commandParts, type CommandParts } from './command-parts.ts';
import { placeOf } from './fault.ts';
import { effectOf } from './recorder.ts';

/** Keeps what a migration sends, by the line that sends it. */
export interface Observer {
  /** Follows another client; it must have been made with `monitorCommands`. */
  watch(client: MongoClient): void;
  /** Forgets what was seen; `folder` holds the migrations, whose lines are looked for. */
  begin(folder: string): void;
  observation(): Observation;
}

/** So many kinds of commands are told apart; a migration that writes to a thousand collections is counted, not listed. */
const kindsKept = 500;
/** Commands of the driver's own. */
const ownCommands = /^(hello|isMaster|ismaster|ping|sasl|endSessions|getnonce|authenticate|killCursors|getMore)/;
const transactionEnds = new Set(['commitTransaction', 'abortTransaction']);

type Counts = { -readonly [Key in CountedKey]: number };
type CountedKey =
  | 'commands'
  | 'statements'
  | 'milliseconds'
  | 'longest'
  | 'matched'
  | 'modified'
  | 'inserted'
  | 'deleted'
  | 'returned'
  | 'errors'
  | 'inTransaction';
type Kind = Omit<Statement, CountedKey> & Counts;

interface Sent {
  readonly kind: Kind;
  readonly parts: CommandParts;
  readonly transaction: string | undefined;
}

interface OpenTransaction {
  readonly startedAt: number;
  commands: number;
  documents: number;
  readonly place: StatementPlace | undefined;
}

interface State {
  folder: string;
  readonly kinds: Map<string, Kind>;
  readonly sent: Map<string, Sent>;
  readonly open: Map<string, OpenTransaction>;
  readonly transactions: ObservedTransaction[];
  unrecorded: number;
  readonly bson: Pick<typeof Mongo.BSON, 'EJSON'>;
}

/** `bson` is that of the driver whose clients are watched. */
export function createObserver(bson: Pick<typeof Mongo.BSON, 'EJSON'>): Observer {
  const state: State = { folder: '', kinds: new Map(), sent: new Map(), open: new Map(), transactions: [], unrecorded: 0, bson };
  let clients = 0;
  return {
    watch(client) {
      clients += 1;
      const number = clients;
      client.on('commandStarted', (event: CommandStartedEvent) => start(state, number, event));
      client.on('commandSucceeded', (event: CommandSucceededEvent) => succeed(state, number, event));
      client.on('commandFailed', (event: CommandFailedEvent) => fail(state, number, event));
    },
    begin(folder) {
      state.folder = folder;
      for (const kept of [state.kinds, state.sent, state.open]) kept.clear();
      state.transactions.length = 0;
      state.unrecorded = 0;
    },
    observation: () => ({ statements: [...state.kinds.values()], transactions: [...state.transactions], unrecorded: state.unrecorded }),
  };
}

function start(state: State, client: number, { commandName, command, databaseName, requestId }: CommandStartedEvent): void {
  if (ownCommands.test(commandName)) return;
  const transaction = transactionOf(command);
  const place = placeOf(new Error('place'), state.folder);
  const known = place?.file === undefined || !place.file.startsWith(state.folder) ? undefined : { ...place, file: place.file };
  if (transaction !== undefined && !state.open.has(transaction)) {
    state.open.set(transaction, { startedAt: performance.now(), commands: 0, documents: 0, place: known });
  }
  const parts = commandParts(commandName, command, state.bson);
  const kind = kindOf(state, databaseName, { parts, place: known });
  if (kind === undefined) return;
  kind.commands += 1;
  kind.statements += parts.statements;
  if (transaction !== undefined) kind.inTransaction += 1;
  state.sent.set(`${client} ${requestId}`, { kind, parts, transaction });
}

function kindOf(
  state: State,
  database: string,
  { parts, place }: { readonly parts: CommandParts; readonly place: StatementPlace | undefined },
): Kind | undefined {
  const { statements: _, ...described } = parts;
  const key = JSON.stringify([database, described, place]);
  const known = state.kinds.get(key);
  if (known !== undefined) return known;
  if (state.kinds.size >= kindsKept) {
    state.unrecorded += 1;
    return undefined;
  }
  const kind: Kind = { ...described, database, ...(place === undefined ? {} : { place }), ...nothing };
  state.kinds.set(key, kind);
  return kind;
}

const nothing: Counts = {
  commands: 0,
  statements: 0,
  milliseconds: 0,
  longest: 0,
  matched: 0,
  modified: 0,
  inserted: 0,
  deleted: 0,
  returned: 0,
  errors: 0,
  inTransaction: 0,
};

function succeed(state: State, client: number, { requestId, reply, duration }: CommandSucceededEvent): void {
  const sent = state.sent.get(`${client} ${requestId}`);
  if (sent === undefined) return;
  state.sent.delete(`${client} ${requestId}`);
  const { kind, parts, transaction } = sent;
  const answer = (reply ?? {}) as Document;
  const { inserted, modified, deleted } = effectOf(parts.command, answer);
  kind.milliseconds += duration;
  kind.longest = Math.max(kind.longest, duration);
  kind.inserted += inserted;
  kind.modified += modified;
  kind.deleted += deleted;
  kind.matched += parts.command === 'update' ? Number(answer['n'] ?? 0) - inserted : modified;
  kind.returned += listLength((answer['cursor'] as Document | undefined)?.['firstBatch']);
  kind.errors += listLength(answer['writeErrors']) + Number(answer['nErrors'] ?? 0);
  count(state, { transaction, command: parts.command, documents: inserted + modified + deleted });
}

function fail(state: State, client: number, { requestId, duration }: CommandFailedEvent): void {
  const sent = state.sent.get(`${client} ${requestId}`);
  if (sent === undefined) return;
  state.sent.delete(`${client} ${requestId}`);
  sent.kind.milliseconds += duration;
  sent.kind.errors += 1;
  count(state, { transaction: sent.transaction, command: sent.parts.command, documents: 0 });
}

interface Answered {
  readonly transaction: string | undefined;
  readonly command: string;
  readonly documents: number;
}

function count(state: State, { transaction, command, documents }: Answered): void {
  const open = transaction === undefined ? undefined : state.open.get(transaction);
  if (transaction === undefined || open === undefined) return;
  open.commands += 1;
  open.documents += documents;
  if (!transactionEnds.has(command)) return;
  state.open.delete(transaction);
  const { startedAt, place } = open;
  state.transactions.push({
    milliseconds: Math.round(performance.now() - startedAt),
    commands: open.commands,
    documents: open.documents,
    committed: command === 'commitTransaction',
    ...(place === undefined ? {} : { place }),
  });
}

/** A transaction has `autocommit: false` in each of its commands; session and number tell it from others. */
function transactionOf({ autocommit, lsid, txnNumber }: Document): string | undefined {
  if (autocommit !== false) return undefined;
  const { id } = lsid as { readonly id: { readonly buffer?: Uint8Array } };
  return `${Buffer.from(id.buffer ?? []).toString('hex')} ${String(txnNumber)}`;
}

function listLength(value: unknown): number {
  return Array.isArray(value) ? value.length : 0;
}
