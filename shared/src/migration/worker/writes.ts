import type { CommandFailedEvent, CommandStartedEvent, CommandSucceededEvent, Document, MongoClient } from 'mongodb';
import { timeOfText } from '../../timing/cluster-time.ts';
import { keyHash, type WriteCommand, type WriteReport } from '../write-command.ts';
import { updatedFields } from './updated-fields.ts';

/** Turns a document into BSON bytes: that of the driver whose values the migration uses. */
export type Serialize = (document: Document) => Uint8Array;

export interface WriteObserver {
  /** Follows the commands of a client, which must have been made with `monitorCommands`. */
  watch(client: Pick<MongoClient, 'on'>): void;
  /** The write commands that ended since the last call, and those that are under way as they are known now. */
  take(): WriteReport;
}

const definitions = new Set([
  'create',
  'createIndexes',
  'drop',
  'dropDatabase',
  'dropIndexes',
  'deleteIndexes',
  'collMod',
  'renameCollection',
  'convertToCapped',
]);

/** A command on its way to become a `WriteCommand`: its keys are not in one text yet. */
type Draft = { -readonly [Key in keyof Omit<WriteCommand, 'keys'>]: WriteCommand[Key] } & { keys?: Buffer[] };

interface UnderWay {
  readonly drafts: readonly Draft[];
  /** Its number, when `take` has told of it already as a command without an answer. */
  told: number | undefined;
}

/**
 * Records the write commands that are sent to `database`: collections, hashed `_id`s, paths and cluster times, never contents. Commands that
 * are alike and follow each other are told as one. `onSession` is called when a session writes for the first time: by it the writes are known even if
 * the process ends before the next report.
 */
export function observeWrites(database: string, serialize: Serialize, onSession: () => void = () => undefined): WriteObserver {
  const allUnderWay: Map<number, UnderWay>[] = [];
  let ended: Draft[] = [];
  let lastTold = 0;
  let through: string | undefined;
  const sessions = new Set<string>();
  const end = (started: UnderWay, drafts: readonly Draft[]): void => {
    for (const draft of drafts) {
      if (started.told !== undefined) ended.push({ ...draft, answers: started.told });
      else if (!join(ended.at(-1), draft)) ended.push(draft);
    }
  };
  return {
    watch: (client) => {
      const underWay = new Map<number, UnderWay>();
      allUnderWay.push(underWay);
      client.on('commandStarted', (event: CommandStartedEvent) => {
        through = later(through, clusterTimeOf(event.command));
        if (event.databaseName !== database && event.commandName !== 'renameCollection') return;
        const drafts = draftsOf(event, database, serialize);
        if (drafts.length === 0) return;
        underWay.set(event.requestId, { drafts, told: undefined });
        const [{ session } = {}] = drafts;
        if (session === undefined || sessions.has(session)) return;
        sessions.add(session);
        onSession();
      });
      client.on('commandSucceeded', (event: CommandSucceededEvent) => {
        const started = underWay.get(event.requestId);
        if (started === undefined) return;
        underWay.delete(event.requestId);
        end(started, answered(started.drafts, event, serialize));
      });
      client.on('commandFailed', (event: CommandFailedEvent) => {
        const started = underWay.get(event.requestId);
        if (started === undefined) return;
        underWay.delete(event.requestId);
        // What it did before it failed is not known; that it is over is.
        const until = timeText((event.failure as { operationTime?: unknown } | undefined)?.operationTime);
        end(
          started,
          started.drafts.map((draft) => (until === undefined ? draft : { ...draft, until })),
        );
      });
    },
    take: () => {
      const commands = ended.map(written);
      for (const command of allUnderWay.flatMap((underWay) => [...underWay.values()])) {
        if (command.told !== undefined) continue;
        lastTold += 1;
        command.told = lastTold;
        commands.push(...command.drafts.map((draft) => written({ ...draft, unanswered: lastTold })));
      }
      ended = [];
      return { commands, ...(through === undefined ? {} : { through }) };
    },
  };
}

function clusterTimeOf(command: Document): string | undefined {
  return timeText((command['$clusterTime'] as Document | undefined)?.['clusterTime']);
}

function later(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return timeOfText(a) < timeOfText(b) ? b : a;
}

function draftsOf({ commandName, command }: CommandStartedEvent, database: string, serialize: Serialize): readonly Draft[] {
  const after = clusterTimeOf(command);
  const session = sessionText((command['lsid'] as Document | undefined)?.['id']);
  const common = {
    ...(after === undefined ? {} : { after }),
    ...(session === undefined ? {} : { session }),
    ...(command['autocommit'] === false ? { transaction: true } : {}),
  };
  const collection = String(command[commandName]);
  switch (commandName) {
    case 'insert':
      return [
        {
          ...common,
          collection,
          kind: 'insert',
          ...keysOf(
            (command['documents'] as Document[]).map(({ _id }) => _id),
            serialize,
          ),
        },
      ];
    case 'update':
      return [{ ...common, collection, kind: 'update', ...updateShape(command['updates'] as Document[], serialize) }];
    case 'delete':
      return [
        {
          ...common,
          collection,
          kind: 'delete',
          ...filterKeys(
            (command['deletes'] as Document[]).map(({ q }) => q as Document),
            serialize,
          ),
        },
      ];
    case 'findAndModify':
    case 'findandmodify':
      return [{ ...common, collection, ...findAndModifyShape(command, serialize) }];
    case 'aggregate':
      return outputsOf((command['pipeline'] as Document[] | undefined) ?? [], database).map((to) => ({
        ...common,
        collection: to,
        kind: 'any',
      }));
    case 'mapReduce':
    case 'bulkWrite':
      return [{ ...common, collection: '*', kind: 'any' }];
    case 'renameCollection':
      return [command['renameCollection'], command['to']].map((name) => ({
        ...common,
        collection: withoutDatabase(String(name), database),
        kind: 'definition',
      }));
    case 'dropDatabase':
      return [{ ...common, collection: '*', kind: 'definition' }];
    default:
      return definitions.has(commandName) ? [{ ...common, collection, kind: 'definition' }] : [];
  }
}

function updateShape(updates: readonly Document[], serialize: Serialize): Partial<Draft> {
  const fields = updates.map(({ u }) => updatedFields(u));
  const all = fields.every((paths) => paths !== undefined) ? { fields: [...new Set(fields.flat())].sort() } : {};
  return {
    ...all,
    ...filterKeys(
      updates.map(({ q }) => q as Document),
      serialize,
    ),
  };
}

function findAndModifyShape(command: Document, serialize: Serialize): Partial<Draft> & Pick<Draft, 'kind'> {
  const keys = filterKeys([(command['query'] as Document | undefined) ?? {}], serialize);
  if (command['remove'] === true) return { kind: 'delete', ...keys };
  const fields = updatedFields(command['update']);
  return { kind: 'update', ...(fields === undefined ? {} : { fields }), ...keys };
}

/** The keys when every filter names its documents by `_id`. */
function filterKeys(filters: readonly Document[], serialize: Serialize): Partial<Draft> {
  const ids: unknown[] = [];
  for (const filter of filters) {
    const named = namedIds(filter['_id']);
    if (named === undefined) return {};
    ids.push(...named);
  }
  return keysOf(ids, serialize);
}

function namedIds(condition: unknown): readonly unknown[] | undefined {
  if (condition === undefined || condition instanceof RegExp) return undefined;
  if (condition === null || typeof condition !== 'object' || '_bsontype' in condition) return [condition];
  const operators = Object.keys(condition).filter((name) => name.startsWith('$'));
  if (operators.length === 0) return [condition];
  const { $in: list, $eq: equal } = condition as { $in?: unknown; $eq?: unknown };
  if (operators.length !== 1) return undefined;
  return Array.isArray(list) ? list : equal === undefined ? undefined : [equal];
}

function keysOf(ids: readonly unknown[], serialize: Serialize): Partial<Draft> {
  if (ids.some((id) => id === undefined || id instanceof RegExp)) return {};
  try {
    return { keys: ids.map((_id) => keyHash(keyBytes(serialize({ _id })))) };
  } catch {
    return {};
  }
}

/** Type byte and value of the only element, whose name is `_id`. */
function keyBytes(document: Uint8Array): Uint8Array {
  return Buffer.concat([document.subarray(4, 5), document.subarray(4 + '_id\0'.length + 1, -1)]);
}

function outputsOf(pipeline: readonly Document[], database: string): readonly string[] {
  const last = pipeline.at(-1) ?? {};
  const into: unknown = '$out' in last ? last['$out'] : ((last['$merge'] as Document | undefined)?.['into'] ?? last['$merge']);
  if (into === undefined) return [];
  if (typeof into === 'string') return [into];
  const { db, coll } = into as { db?: string; coll?: string };
  return db !== undefined && db !== database ? [] : [String(coll)];
}

function withoutDatabase(namespace: string, database: string): string {
  return namespace.startsWith(`${database}.`) ? namespace.slice(database.length + 1) : namespace;
}

function answered(drafts: readonly Draft[], { commandName, reply }: CommandSucceededEvent, serialize: Serialize): readonly Draft[] {
  const answer = (reply ?? {}) as Document;
  const until = timeText(answer['operationTime']);
  return drafts.flatMap((draft): Draft[] => {
    const done: Draft = { ...draft, ...(until === undefined ? {} : { until }) };
    if (draft.kind === 'any' || draft.kind === 'definition') return [done];
    if (commandName.toLowerCase() === 'findandmodify') return findAndModifyAnswer(done, answer, serialize);
    if (draft.kind !== 'update') return [{ ...done, documents: Number(answer['n'] ?? 0) }];
    const upserted = ((answer['upserted'] as Document[] | undefined) ?? []).map(({ _id }) => _id as unknown);
    return [{ ...done, documents: Number(answer['nModified'] ?? 0) }, ...insertedBy(done, upserted, serialize)];
  });
}

function findAndModifyAnswer(done: Draft, answer: Document, serialize: Serialize): Draft[] {
  const last = (answer['lastErrorObject'] ?? {}) as { n?: number; updatedExisting?: boolean; upserted?: unknown };
  if (done.kind === 'delete') return [{ ...done, documents: last.n ?? 0 }];
  if (last.upserted !== undefined) return insertedBy(done, [last.upserted], serialize);
  // An update to the same values writes nothing: how many it changed is at most this.
  return last.updatedExisting === true ? [done] : [];
}

function insertedBy({ fields: _fields, keys: _keys, ...done }: Draft, ids: readonly unknown[], serialize: Serialize): Draft[] {
  return ids.length === 0 ? [] : [{ ...done, kind: 'insert', documents: ids.length, ...keysOf(ids, serialize) }];
}

/** Commands alike that follow each other become one, so that a loop of single writes does not fill the record. Tells whether they did. */
function join(last: Draft | undefined, next: Draft): boolean {
  const alike =
    last !== undefined &&
    last.answers === undefined &&
    last.collection === next.collection &&
    last.kind === next.kind &&
    last.session === next.session &&
    last.documents !== undefined &&
    next.documents !== undefined &&
    last.until !== undefined &&
    next.until !== undefined &&
    (last.keys === undefined) === (next.keys === undefined) &&
    last.fields?.join() === next.fields?.join();
  if (!alike) return false;
  last.documents = (last.documents ?? 0) + (next.documents ?? 0);
  if (next.until !== undefined) last.until = next.until;
  last.keys?.push(...(next.keys ?? []));
  return true;
}

function written({ keys, ...draft }: Draft): WriteCommand {
  return keys === undefined ? draft : { ...draft, keys: Buffer.concat(keys).toString('base64') };
}

function timeText(time: unknown): string | undefined {
  const { t, i } = (time ?? {}) as { t?: number; i?: number };
  return t === undefined || i === undefined ? undefined : `${t}.${i}`;
}

function sessionText(id: unknown): string | undefined {
  const bytes = (id as { buffer?: Uint8Array } | undefined)?.buffer;
  return bytes === undefined ? undefined : Buffer.from(bytes).toString('hex').slice(0, 32);
}
