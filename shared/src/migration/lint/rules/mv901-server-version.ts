import type { LintFile } from '../file.ts';
import type { FileRule, Match } from '../rule.ts';
import { keyOf } from '../tree.ts';

/** The version that brought each operator, from the reference of operators and stages in MongoDB's manual. */
const since: readonly (readonly [string, readonly string[]])[] = [
  ['4.4', ['$accumulator', '$function', '$unionWith', '$replaceOne', '$replaceAll', '$isNumber', '$bsonSize', '$binarySize']],
  ['5.0', ['$setWindowFields', '$getField', '$setField', '$unsetField', '$dateAdd', '$dateSubtract', '$dateDiff', '$dateTrunc']],
  ['5.1', ['$densify', '$documents']],
  ['5.2', ['$sortArray', '$top', '$topN', '$bottom', '$bottomN', '$firstN', '$lastN', '$minN', '$maxN']],
  ['5.3', ['$fill', '$linearFill', '$locf']],
  ['7.0', ['$median', '$percentile']],
  ['8.0', ['$toUUID']],
];

export const serverVersion: FileRule = {
  code: 'MV901',
  severity: 'note',
  summary: 'An operator is newer than the server that the configuration names (`lint.server-version`).',
  advice: 'Write it with older operators, or raise the version of the server first.',
  settings: { serverVersion: '4.4' },
  bad: `export const up = async (db) => {
  await db.collection('orders').updateMany({ day: null }, [{ $set: { day: { $dateTrunc: { date: '$at', unit: 'day' } } } }]);
};
export const down = async (db) => {
  await db.collection('orders').updateMany({}, { $unset: { day: '' } });
};`,
  good: `export const up = async (db) => {
  await db.collection('orders').updateMany({ day: null }, [{ $set: { day: { $dateToString: { date: '$at', format: '%Y-%m-%d' } } } }]);
};
export const down = async (db) => {
  await db.collection('orders').updateMany({}, { $unset: { day: '' } });
};`,
  check: (file) => newer(file),
};

function newer({ tree, settings }: LintFile): Match[] {
  const server = settings.serverVersion;
  if (server === undefined) return [];
  const unknown = new Map(
    since.filter(([version]) => compare(version, server) > 0).flatMap(([version, names]) => names.map((name) => [name, version])),
  );
  return tree.nodes.flatMap((node) => {
    const version = unknown.get(keyOf(node) ?? '');
    return version === undefined ? [] : [{ node, message: `${keyOf(node)} needs MongoDB ${version}; the server may be ${server}.` }];
  });
}

function compare(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}
