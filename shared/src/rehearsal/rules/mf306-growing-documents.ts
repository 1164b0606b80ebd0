import type { RecordedRule } from './rule.ts';

const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);

export const growingDocuments: RecordedRule = {
  code: 'MF306',
  severity: 'error',
  summary: 'Documents were seen to grow toward the limit of 16 MiB.',
  advice: 'Keep what grows in documents of its own, or cut the array with `$slice`.',
  bad: `export const up = async (db) => {
  await db.collection('orders').updateOne({ _id: 1 }, { $push: { log: { $each: Array.from({ length: 10 }, () => 'x'.repeat(1_000_000)) } } });
};`,
  good: `export const up = async (db) => {
  await db.collection('orders').updateOne({ _id: 1 }, { $push: { log: { $each: ['x'], $slice: -10 } } });
};`,
  check: ({ largest, limits }) =>
    [...largest]
      .filter(([, { before, after }]) => after >= limits.documentBytes && after > before)
      .map(([collection, { before, after }]) => ({
        message: `The largest document of ${collection} has ${mebibytes(after)} MiB now, before it had ${mebibytes(before)}; the limit is 16.`,
      })),
};
