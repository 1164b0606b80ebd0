import type { CommandStartedEvent, Document } from 'mongodb';
import type { WriteCommand } from '../write-command.ts';
import { hashKeys, type KeyHashes, type Serialize } from './key-hashes.ts';
import { updatedFields } from './updated-fields.ts';

/** A command on its way to become a `WriteCommand`: its keys are not in one text yet. */
export type Draft = { -readonly [Key in keyof Omit<WriteCommand, 'keys'>]: WriteCommand[Key] } & { keys?: KeyHashes[] };

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

/** What a command may write, told when it is sent; nothing of a command that does not write. */
export function draftsOf({ commandName, command }: CommandStartedEvent, database: string, serialize: Serialize): readonly Draft[] {
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
      return updateShapes(command['updates'] as Document[], serialize).map((shape) => ({ ...common, collection, ...shape }));
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
      return findAndModifyShapes(command, serialize).map((shape) => ({ ...common, collection, ...shape }));
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

type Shape = Partial<Draft> & Pick<Draft, 'kind'>;

/** An update may insert too. */
function updateShapes(updates: readonly Document[], serialize: Serialize): readonly Shape[] {
  const paths = updates.map(({ u }) => updatedFields(u));
  const fields = paths.every((each) => each !== undefined) ? { fields: [...new Set(paths.flat())].sort() } : {};
  const keys = filterKeys(
    updates.map(({ q }) => q as Document),
    serialize,
  );
  return withUpsert(
    { kind: 'update', ...fields, ...keys },
    updates.some(({ upsert }) => upsert === true),
  );
}

function findAndModifyShapes(command: Document, serialize: Serialize): readonly Shape[] {
  const keys = filterKeys([(command['query'] as Document | undefined) ?? {}], serialize);
  if (command['remove'] === true) return [{ kind: 'delete', ...keys }];
  const fields = updatedFields(command['update']);
  return withUpsert({ kind: 'update', ...(fields === undefined ? {} : { fields }), ...keys }, command['upsert'] === true);
}

function withUpsert({ fields, ...shape }: Shape, upsert: boolean): readonly Shape[] {
  const update = fields === undefined ? shape : { ...shape, fields };
  return upsert ? [update, { ...shape, kind: 'insert' }] : [update];
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

/** The hashed `_id`s; nothing where one of them is not known. */
export function keysOf(ids: readonly unknown[], serialize: Serialize): Partial<Draft> {
  return ids.some((id) => id === undefined || id instanceof RegExp) ? {} : { keys: [hashKeys(ids, serialize)] };
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

/** `seconds.increment`. */
export function clusterTimeOf(command: Document): string | undefined {
  return timeText((command['$clusterTime'] as Document | undefined)?.['clusterTime']);
}

/** `seconds.increment` of a timestamp of any driver. */
export function timeText(time: unknown): string | undefined {
  const { t, i } = (time ?? {}) as { t?: number; i?: number };
  return t === undefined || i === undefined ? undefined : `${t}.${i}`;
}

function sessionText(id: unknown): string | undefined {
  const bytes = (id as { buffer?: Uint8Array } | undefined)?.buffer;
  return bytes === undefined ? undefined : Buffer.from(bytes).toString('hex').slice(0, 32);
}
