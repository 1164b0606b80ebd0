import { describe, expect, test } from '@jest/globals';
import { ObjectId } from 'mongodb';
import { changeShape, filterShape } from './statement-shape.ts';

describe('filterShape', () => {
  test.each([
    [{}, ''],
    [undefined, ''],
    [{ status: 'paid' }, 'status'],
    [{ total: { $gt: 3, $lt: 9 }, _id: new ObjectId() }, '_id total.$gt total.$lt'],
    [{ place: { city: 'Aden' } }, 'place'],
    [{ $or: [{ a: 1 }, { b: { $in: [1] } }] }, '$or(a|b.$in)'],
    [{ $expr: { $gt: ['$a', '$b'] }, $comment: 'why' }, '$expr'],
  ])('%j is %s', (filter, shape) => {
    expect(filterShape(filter)).toBe(shape);
  });

  test('holds no value', () => {
    expect(filterShape({ email: 'ada@example.org', 'address.city': { $eq: 'Aden' } })).toBe('address.city.$eq email');
  });
});

describe('changeShape', () => {
  test.each([
    [{ $set: { a: 1, b: 2 }, $unset: { c: '' } }, ['$set a', '$set b', '$unset c']],
    [{ $rename: { old: 'new' } }, ['$rename old→new']],
    [{ $push: { log: { $each: [1], $slice: -5 }, all: 1 } }, ['$push log $slice', '$push all']],
    [{ a: 1 }, ['replace']],
    [
      [{ $set: { a: '$b' } }, { $unset: ['c', 'd'] }],
      ['$set a', '$unset c', '$unset d'],
    ],
  ])('%j is %j', (update, shape) => {
    expect(changeShape(update)).toEqual(shape);
  });
});
