import type * as Mongo from 'mongodb';
import type { Statement } from '../observation.ts';
import { changeShape, filterShape, stageShape } from '../statement-shape.ts';

/** What is known of a command before it is answered. */
export type CommandParts = Pick<
  Statement,
  'command' | 'collection' | 'filter' | 'change' | 'multi' | 'upsert' | 'unlimited' | 'definition'
> & {
  /** How many updates, deletes or documents it carries. */
  readonly statements: number;
  readonly weakWriteConcern?: string;
};

type Command = Readonly<Record<string, unknown>>;

/** Keys of a command that are about its transport. */
const transport = new Set([
  'lsid',
  '$db',
  '$clusterTime',
  'txnNumber',
  'writeConcern',
  'autocommit',
  'startTransaction',
  '$readPreference',
]);
/** Commands that define structure: all that they say is kept. */
const structural = new Set([
  'create',
  'createIndexes',
  'drop',
  'dropDatabase',
  'dropIndexes',
  'collMod',
  'renameCollection',
  'convertToCapped',
  'cloneCollectionAsCapped',
]);

/** Reads a command as the driver sends it. `bson` is that of the driver, which made the command's values. */
export function commandParts(command: string, body: Command, bson: Pick<typeof Mongo.BSON, 'EJSON'>): CommandParts {
  const target = body[command];
  const name = typeof target === 'string' ? target : '';
  // A rename names the database too.
  const collection = command === 'renameCollection' ? name.slice(name.indexOf('.') + 1) : name;
  const unlimited = body['maxTimeMS'] === undefined && !structural.has(command);
  const nothing = { command, collection, filter: '', change: [], multi: false, upsert: false, unlimited, statements: 1 };
  const concern = weakWriteConcern(body['writeConcern']);
  const common = { ...nothing, ...(concern === undefined ? {} : { weakWriteConcern: concern }) };
  if (structural.has(command)) return { ...common, definition: bson.EJSON.stringify(withoutTransport(body)) };
  switch (command) {
    case 'insert':
      return { ...common, statements: listOf(body['documents']).length };
    case 'update':
      return { ...common, ...updates(listOf(body['updates'])) };
    case 'delete':
      return { ...common, ...deletes(listOf(body['deletes'])) };
    case 'findAndModify':
      return { ...common, filter: filterShape(body['query']), change: changeShape(body['update']), upsert: body['upsert'] === true };
    case 'aggregate':
      return { ...common, ...pipeline(listOf(body['pipeline']), bson) };
    case 'bulkWrite':
      return { ...common, collection: namespacesOf(body), statements: listOf(body['ops']).length, change: ['bulkWrite'] };
    default:
      return { ...common, filter: filterShape(body['filter'] ?? body['query']) };
  }
}

function updates(all: readonly Command[]): Partial<CommandParts> {
  return {
    statements: all.length,
    filter: shapes(all.map(({ q }) => filterShape(q))),
    change: [...new Set(all.slice(0, shapesLooked).flatMap(({ u }) => changeShape(u)))],
    multi: all.some(({ multi }) => multi === true),
    upsert: all.some(({ upsert }) => upsert === true),
  };
}

function deletes(all: readonly Command[]): Partial<CommandParts> {
  return { statements: all.length, filter: shapes(all.map(({ q }) => filterShape(q))), multi: all.some(({ limit }) => limit === 0) };
}

/** A bulk of a thousand statements has few shapes: looking at these many finds them. */
const shapesLooked = 50;

/** The one shape of all statements, or that there are several. One that matches everything stays visible. */
function shapes(all: readonly string[]): string {
  const distinct = [...new Set(all.slice(0, shapesLooked))];
  return distinct.includes('') ? '' : distinct.length === 1 ? (distinct[0] ?? '') : distinct.sort().join(' | ');
}

/** `$out` and `$merge` say where they write to. */
function pipeline(stages: readonly Command[], { EJSON }: Pick<typeof Mongo.BSON, 'EJSON'>): Partial<CommandParts> {
  const last = stages.at(-1) ?? {};
  const target = last['$out'] ?? last['$merge'];
  const writes = target === undefined ? {} : { definition: EJSON.stringify(writingStage(last)) };
  return { filter: filterShape(stages[0]?.['$match']), change: stages.flatMap(stageShape), multi: target !== undefined, ...writes };
}

/** Without the pipeline of `whenMatched` and the values of `let`. */
function writingStage({ $out: out, $merge: merge }: Command): Command {
  if (out !== undefined) return { $out: out };
  if (typeof merge === 'string') return { $merge: { into: merge } };
  const { into, on, whenMatched, whenNotMatched } = merge as Command;
  return { $merge: { into, on, whenMatched: Array.isArray(whenMatched) ? 'pipeline' : whenMatched, whenNotMatched } };
}

function namespacesOf(body: Command): string {
  return listOf(body['nsInfo'])
    .map(({ ns }) => String(ns).split('.').slice(1).join('.'))
    .join(', ');
}

function withoutTransport(body: Command): Command {
  return Object.fromEntries(Object.entries(body).filter(([key]) => !transport.has(key)));
}

/** The write concern as text, when it is weaker than a majority. */
function weakWriteConcern(concern: unknown): string | undefined {
  const { w } = (concern ?? {}) as { readonly w?: unknown };
  return typeof w === 'number' && w < 2 ? `w: ${w}` : undefined;
}

function listOf(value: unknown): readonly Command[] {
  return Array.isArray(value) ? (value as readonly Command[]) : [];
}
