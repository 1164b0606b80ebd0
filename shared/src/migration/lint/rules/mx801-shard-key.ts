import { fieldsOf, indexBuilds, updatesOf } from '../changes.ts';
import type { LintFile } from '../file.ts';
import type { FileRule, Match } from '../rule.ts';

export const shardKey: FileRule = {
  code: 'MX801',
  severity: 'error',
  summary:
    'On a collection that the configuration calls sharded (`lint.shard-keys`): the filter of a single change, or a unique index, lacks the shard key; the key is changed; or `$out` writes to it.',
  advice: 'Name the shard key in the filter; begin unique indexes with it; use `$merge` instead of `$out`.',
  settings: { shardKeys: { orders: ['tenant'] } },
  bad: `export const up = async (db) => {
  await db.collection('orders').updateOne({ number: 7 }, { $set: { paid: true } });
};
export const down = async (db) => {
  await db.collection('orders').updateMany({ number: 7 }, { $set: { paid: false } });
};`,
  good: `export const up = async (db) => {
  await db.collection('orders').updateOne({ tenant: 'a', number: 7 }, { $set: { paid: true } });
};
export const down = async (db) => {
  await db.collection('orders').updateMany({ number: 7 }, { $set: { paid: false } });
};`,
  check: (file) => [...untargeted(file), ...changedKeys(file), ...uniqueIndexes(file), ...outs(file)],
};

const keyOfCollection = ({ settings }: LintFile, collection: string | undefined): readonly string[] | undefined =>
  collection === undefined ? undefined : settings.shardKeys[collection];

function untargeted(file: LintFile): Match[] {
  return file.calls.flatMap(({ node, method, args, collection, kind }): Match[] => {
    const key = keyOfCollection(file, collection);
    if (kind !== 'collection' || key === undefined || !/^(updateOne|replaceOne|deleteOne|findOneAnd\w+)$/.test(method)) return [];
    const filter = file.values.exactEntries(args[0]);
    if (filter === undefined || filter.has('_id') || key.every((field) => filter.has(field))) return [];
    return [{ node, message: `${method} on ${collection} does not name the shard key ${key.join(', ')}.` }];
  });
}

function changedKeys(file: LintFile): Match[] {
  return updatesOf(file, file.upCalls).flatMap((update) => {
    const key = keyOfCollection(file, update.call.collection) ?? [];
    const changed = fieldsOf(file, update).filter(([field]) => key.includes(field));
    return changed.map(([field, node]) => ({ node, message: `${field} is part of the shard key of ${update.call.collection}.` }));
  });
}

function uniqueIndexes(file: LintFile): Match[] {
  return indexBuilds(file, file.upCalls).flatMap(({ node, collection, keys, options }) => {
    const key = keyOfCollection(file, collection);
    const fields = [...(file.values.entries(keys)?.keys() ?? [])];
    if (key === undefined || !options.has('unique') || key.every((field, index) => fields[index] === field)) return [];
    return [{ node, message: `A unique index of ${collection} must begin with its shard key ${key.join(', ')}.` }];
  });
}

function outs(file: LintFile): Match[] {
  return file.upCalls
    .filter(({ method }) => method === 'aggregate')
    .flatMap(({ args }) => file.values.deepEntries(args[0]))
    .filter(([key, value]) => key === '$out' && keyOfCollection(file, file.values.text(value)) !== undefined)
    .map(([, node]) => ({ node, message: '$out cannot write to a sharded collection.' }));
}
