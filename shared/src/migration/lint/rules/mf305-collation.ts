import { indexBuilds, type IndexBuild } from '../changes.ts';
import type { DriverCall } from '../calls.ts';
import type { LintFile } from '../file.ts';
import { optionsPosition } from '../methods.ts';
import type { FileRule } from '../rule.ts';
import type { Node } from '../tree.ts';

export const collation: FileRule = {
  code: 'MF305',
  severity: 'warning',
  summary: 'A query has another collation than the index that the same file builds for its field.',
  advice: 'State the same collation at the index and at the query; otherwise the index does not serve it.',
  bad: `export const up = async (db) => {
  await db.collection('users').createIndex({ name: 1 }, { collation: { locale: 'en', strength: 2 } });
  await db.collection('users').updateOne({ name: 'admin' }, { $set: { role: 'admin' } });
};
export const down = async (db) => {
  await db.collection('users').dropIndex('name_1');
};`,
  good: `const collation = { locale: 'en', strength: 2 };
export const up = async (db) => {
  await db.collection('users').createIndex({ name: 1 }, { collation });
  await db.collection('users').updateOne({ name: 'admin' }, { $set: { role: 'admin' } }, { collation });
};
export const down = async (db) => {
  await db.collection('users').dropIndex('name_1');
};`,
  check: (file) => {
    const builds = indexBuilds(file, file.upCalls);
    return file.upCalls
      .filter((call) => builds.some((build) => serves(file, build, call) && differs(file, build, call)))
      .map(({ node, collection }) => ({
        node,
        message: `The index that this file builds on ${collection} does not serve this collation.`,
      }));
  },
};

function serves({ values }: LintFile, build: IndexBuild, call: DriverCall): boolean {
  if (call.collection !== build.collection || !(call.method in optionsPosition) || /^(insert|bulk|aggregate|distinct)/.test(call.method))
    return false;
  const [field] = values.entries(build.keys)?.keys() ?? [];
  return field !== undefined && values.entries(call.args[0])?.has(field) === true;
}

function differs({ values }: LintFile, build: IndexBuild, call: DriverCall): boolean {
  const given = call.args[optionsPosition[call.method] ?? 0];
  const options = values.exactEntries(given);
  if (given !== undefined && options === undefined) return false;
  const show = (node: Node | undefined): string | undefined =>
    values.text(values.entries(node)?.get('locale')) ?? (node === undefined ? 'none' : undefined);
  const [ofIndex, ofQuery] = [show(build.options.get('collation')), show(options?.get('collation'))];
  return ofIndex !== undefined && ofQuery !== undefined && ofIndex !== ofQuery;
}
