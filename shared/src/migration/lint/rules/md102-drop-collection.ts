import { isNew } from '../changes.ts';
import type { FileRule } from '../rule.ts';

export const dropCollection: FileRule = {
  code: 'MD102',
  severity: 'error',
  summary: '`up` drops a collection that it did not make itself.',
  advice: 'Rename the collection aside, and drop it a release later, when nothing has missed it.',
  bad: `export const up = async (db) => {
  await db.collection('carts').drop();
};
export const down = async (db) => {
  await db.createCollection('carts');
};`,
  good: `export const up = async (db) => {
  await db.createCollection('carts_sorted');
  await db.collection('carts').aggregate([{ $sort: { at: 1 } }, { $merge: { into: 'carts_sorted' } }]).toArray();
  await db.collection('carts_sorted').drop();
};
export const down = async (db) => {
  await db.collection('carts_sorted').drop();
};`,
  check: (file) =>
    file.upCalls
      .filter(
        (call) => (call.kind === 'collection' && call.method === 'drop') || call.method === 'dropCollection' || call.command === 'drop',
      )
      .filter(({ collection }) => !isNew(file, collection))
      .map(({ node, collection }) => ({ node, message: `This drops the collection ${collection} with all that is in it.` })),
};
