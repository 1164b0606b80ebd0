import type { CommandFailedEvent, CommandStartedEvent, CommandSucceededEvent, Document, MongoClient } from 'mongodb';
import { isOwnCollection } from '../../mongo/own-collections.ts';
import type { CollectionEffect, Effects } from '../effects.ts';
import { currentTrace } from './sessions.ts';

/** Commands that change structure, or documents without saying how many. */
const structural = new Set([
  'create',
  'createIndexes',
  'drop',
  'dropDatabase',
  'dropIndexes',
  'collMod',
  'renameCollection',
  'convertToCapped',
  'mapReduce',
  'shardCollection',
]);
const counted = new Set(['insert', 'update', 'delete', 'findAndModify', 'bulkWrite']);

/** Follows the commands of a client from its monitoring events. */
export interface Recorder {
  /** Forgets the counts: a new file begins. */
  reset(): void;
  effects(): Effects;
  /** Remembers the counts; the function puts them back, for work that was aborted. */
  mark(): () => void;
  /** Writes that were sent and not answered yet. */
  writesUnderWay(): readonly StartedWrite[];
}

interface Write {
  readonly name: string;
  readonly collection: string;
}

/** A write, and the stack of whoever asked for it. */
export interface StartedWrite extends Write {
  readonly trace: Error | undefined;
}

/** Counts what the commands of `client` change. The client must have been made with `monitorCommands`. */
export function record(client: MongoClient): Recorder {
  const collections = new Map<string, CollectionEffect>();
  const structure = new Set<string>();
  const underWay = new Map<number, StartedWrite>();
  let writeErrors = 0;
  client.on('commandStarted', (event: CommandStartedEvent) => {
    const started = startedWrite(event);
    if (started !== undefined) underWay.set(event.requestId, { ...started, trace: currentTrace() });
  });
  client.on('commandSucceeded', (event: CommandSucceededEvent) => {
    const started = underWay.get(event.requestId);
    underWay.delete(event.requestId);
    if (started === undefined) return;
    const reply = event.reply as Document | undefined;
    writeErrors += ((reply?.['writeErrors'] as unknown[] | undefined)?.length ?? 0) + ((reply?.['nErrors'] as number | undefined) ?? 0);
    if (!counted.has(started.name)) structure.add(`${started.name} ${started.collection}`);
    else add(collections, started.collection, effectOf(started.name, reply ?? {}));
  });
  client.on('commandFailed', (event: CommandFailedEvent) => {
    if (underWay.delete(event.requestId)) writeErrors += 1;
  });
  return {
    reset: () => {
      collections.clear();
      structure.clear();
      writeErrors = 0;
    },
    effects: () => ({ collections: Object.fromEntries(collections), structure: [...structure], writeErrors }),
    mark: () => {
      const [before, structureBefore, errorsBefore] = [new Map(collections), new Set(structure), writeErrors];
      return () => {
        collections.clear();
        for (const [name, effect] of before) collections.set(name, effect);
        structure.clear();
        for (const one of structureBefore) structure.add(one);
        writeErrors = errorsBefore;
      };
    },
    writesUnderWay: () => [...underWay.values()],
  };
}

/** The write that a command is; nothing for reads and for what we ourselves write. */
export function startedWrite({ commandName, command }: CommandStartedEvent): Write | undefined {
  if (commandName === 'aggregate') {
    const stage = ((command['pipeline'] as Document[] | undefined) ?? []).at(-1) ?? {};
    const name = '$out' in stage ? '$out' : '$merge' in stage ? '$merge' : undefined;
    return name === undefined ? undefined : { name, collection: String(command['aggregate']) };
  }
  if (!counted.has(commandName) && !structural.has(commandName)) return undefined;
  const target: unknown = commandName === 'bulkWrite' ? 'several collections' : command[commandName];
  if (typeof target === 'string' && isOwnCollection(target)) return undefined;
  return { name: commandName, collection: typeof target === 'string' ? target : '' };
}

/** What a command did, by its reply. */
export function effectOf(name: string, reply: Document): CollectionEffect {
  const n = Number(reply['n'] ?? 0);
  const upserted = (reply['upserted'] as unknown[] | undefined)?.length ?? 0;
  switch (name) {
    case 'insert':
      return { inserted: n, modified: 0, deleted: 0 };
    case 'update':
      return { inserted: upserted, modified: Number(reply['nModified'] ?? 0), deleted: 0 };
    case 'delete':
      return { inserted: 0, modified: 0, deleted: n };
    case 'findAndModify':
      return findAndModifyEffect(reply);
    default:
      return {
        inserted: Number(reply['nInserted'] ?? 0) + Number(reply['nUpserted'] ?? 0),
        modified: Number(reply['nModified'] ?? 0),
        deleted: Number(reply['nDeleted'] ?? 0),
      };
  }
}

function findAndModifyEffect(reply: Document): CollectionEffect {
  const last = (reply['lastErrorObject'] ?? {}) as { n?: number; updatedExisting?: boolean; upserted?: unknown };
  const removed = last.updatedExisting === undefined;
  return {
    inserted: last.upserted === undefined ? 0 : 1,
    modified: last.updatedExisting === true ? 1 : 0,
    deleted: removed ? (last.n ?? 0) : 0,
  };
}

function add(collections: Map<string, CollectionEffect>, name: string, more: CollectionEffect): void {
  if (more.inserted + more.modified + more.deleted === 0) return;
  const before = collections.get(name) ?? { inserted: 0, modified: 0, deleted: 0 };
  collections.set(name, {
    inserted: before.inserted + more.inserted,
    modified: before.modified + more.modified,
    deleted: before.deleted + more.deleted,
  });
}
