import { indexBuilds, isNew } from '../changes.ts';
import type { LintFile } from '../file.ts';
import type { FileRule, Match } from '../rule.ts';
import type { Node } from '../tree.ts';

export const ttlIndex: FileRule = {
  code: 'MD108',
  severity: 'error',
  summary: 'A TTL index on an existing collection: the server deletes at once all that is due.',
  advice:
    'Count what is due and delete it in batches first (in this file, with a filter on the field), or make the collection in this file.',
  bad: `export const up = async (db) => {
  await db.collection('events').createIndex({ at: 1 }, { expireAfterSeconds: 86400 });
};
export const down = async (db) => {
  await db.collection('events').dropIndex('at_1');
};`,
  good: `export const up = async (db) => {
  const dayAgo = new Date(Date.now() - 86400000);
  await db.collection('events').deleteMany({ at: { $lt: dayAgo } });
  await db.collection('events').createIndex({ at: 1 }, { expireAfterSeconds: 86400 });
};
export const down = async (db) => {
  await db.collection('events').dropIndex('at_1');
};`,
  check: (file) => [...builds(file), ...lowered(file)],
};

function builds(file: LintFile): Match[] {
  return indexBuilds(file, file.upCalls)
    .filter(
      ({ options, collection, keys }) => options.has('expireAfterSeconds') && !isNew(file, collection) && !emptied(file, collection, keys),
    )
    .map(({ node, collection }) => ({
      node,
      message: `From this index on, the server deletes what is due in ${collection}, all at once.`,
    }));
}

function lowered({ upCalls, values }: LintFile): Match[] {
  return upCalls
    .filter(({ command, args }) => command === 'collMod' && values.deepEntries(args[0]).some(([key]) => key === 'expireAfterSeconds'))
    .map(({ node, collection }) => ({
      node,
      message: `From this collMod on, the server deletes what is due in ${collection}, all at once.`,
    }));
}

function emptied({ upCalls, values }: LintFile, collection: string | undefined, keys: Node | undefined): boolean {
  const [field] = values.entries(keys)?.keys() ?? [];
  return upCalls.some(
    (call) =>
      call.method === 'deleteMany' &&
      call.collection === collection &&
      field !== undefined &&
      values.entries(call.args[0])?.has(field) === true,
  );
}
