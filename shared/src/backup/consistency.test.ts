import { expect, test } from '@jest/globals';
import { consistencyLadder, type ConsistencyQuestion } from './consistency.ts';

const asked = (question: Partial<ConsistencyQuestion>): ConsistencyQuestion => ({
  wish: 'auto',
  topology: 'replica-set',
  serverVersion: '6.0.5',
  environment: undefined,
  withoutOplog: undefined,
  ...question,
});

test.each<readonly [Partial<ConsistencyQuestion>, readonly string[]]>([
  [{}, ['snapshot', 'oplog', 'quiescent', 'none']],
  [{ environment: 'Production' }, ['snapshot', 'oplog', 'quiescent']],
  [{ withoutOplog: 'no' }, ['snapshot', 'quiescent', 'none']],
  [{ serverVersion: '4.4.29' }, ['oplog', 'quiescent', 'none']],
  [{ wish: 'oplog' }, ['oplog']],
  [{ wish: 'none', environment: 'production' }, ['none']],
  [{ topology: 'standalone' }, ['none']],
])('%j tries %j', (question, ladder) => {
  expect(consistencyLadder(asked(question))).toEqual(ladder);
});

test.each<Partial<ConsistencyQuestion>>([
  { topology: 'standalone', environment: 'production' },
  { topology: 'standalone', wish: 'oplog' },
  { wish: 'oplog', withoutOplog: 'The user may not read the oplog.' },
  { wish: 'snapshot', serverVersion: '4.4.29' },
])('%j is refused', (question) => {
  expect(() => consistencyLadder(asked(question))).toThrow(expect.objectContaining({ code: 'backup/consistency-refused' }));
});
