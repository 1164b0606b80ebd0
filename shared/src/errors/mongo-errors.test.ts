import { describe, expect, test } from '@jest/globals';
import { MongoServerError, MongoServerSelectionError } from 'mongodb';
import { GuardError } from './guard-error.ts';
import { fromMongoError, isRetryable, withoutDocuments } from './mongo-errors.ts';

const serverError = (code: number, errmsg: string): MongoServerError =>
  new MongoServerError({ code, codeName: 'Name', errmsg, message: errmsg });

describe('fromMongoError', () => {
  test.each([
    [13, 'target/privilege-missing'],
    [18, 'target/authentication-failed'],
    [20, 'target/unsupported'],
    [189, 'server/interrupted'],
    [239, 'server/snapshot-unavailable'],
    [11000, 'server/failed'],
    [99999, 'server/failed'],
  ])('server code %d becomes %s', (number, code) => {
    expect(fromMongoError(serverError(number, 'something'), 'Counting')).toMatchObject({
      code,
      message: expect.stringContaining(`Name ${number}`),
    });
  });

  test('never quotes documents', () => {
    const error = serverError(
      11000,
      'E11000 duplicate key error collection: shop.users index: email_1 dup key: { email: "ann@example.org" }',
    );
    expect(fromMongoError(error, 'Inserting').message).not.toContain('ann@example.org');
    expect(fromMongoError(serverError(2, 'Bad value {"card": "4111"} in "name"'), 'Updating').message).toBe(
      'Updating: Bad value … (Name 2).',
    );
  });

  test('keeps the error as cause and lets our own errors pass', () => {
    const ours = new GuardError('run/cancelled', 'The run was cancelled.');
    expect(fromMongoError(ours, 'Anything')).toBe(ours);
    const cause = serverError(13, 'not authorized');
    expect(fromMongoError(cause, 'Reading').cause).toBe(cause);
  });

  test('names an unreachable server', () => {
    const error = new MongoServerSelectionError('connect ECONNREFUSED 10.0.0.5:27017', {} as never);
    expect(fromMongoError(error, 'Connecting')).toMatchObject({ code: 'target/unreachable' });
    expect(fromMongoError(error, 'Connecting').message).not.toContain('10.0.0.5');
  });
});

test('a fail-over is worth a retry, a duplicate key is not', () => {
  expect(isRetryable(serverError(10107, 'not primary'))).toBe(true);
  expect(isRetryable(serverError(11000, 'duplicate'))).toBe(false);
});

test('withoutDocuments cuts values, quotes and connection strings', () => {
  expect(withoutDocuments("Field 'x' of mongodb://u:p@h/db is wrong: [1,2]")).toBe('Field … of … is wrong: …');
});
