import { expect, test } from '@jest/globals';
import { findingsAhead, findingsOnCopy, findingsOnTarget } from './known.ts';
import type { Precheck } from './precheck.ts';

const unique: Precheck = { kind: 'unique', collection: 'users', file: '1.js', index: '{}' };
const expiry: Precheck = { kind: 'expiry', collection: 'users', file: '1.js', field: 'at', seconds: 5 };
const disk: Precheck = { kind: 'disk', file: '1.js', sizes: {}, documents: 5, indexes: 5 };
const use: Precheck = { kind: 'index-use', collection: 'users', file: '1.js', index: '{}' };
const message = '2 documents';

test.each([
  ['nothing in the way', unique, 0, 0, []],
  ['new since the backup: it would fail', unique, 0, 2, ['error']],
  ['the migration copes with it', unique, 2, 2, []],
  ['not asked on the copy', unique, undefined, 2, ['warning']],
  ['not known', unique, 0, undefined, ['note']],
  ['may be meant', expiry, 0, 2, ['warning']],
  ['about its server, which the copy does not know', disk, undefined, 1, ['error']],
  ['queries of the application, which the copy does not have', use, 1, 2, ['warning']],
  ['about its server, not known', disk, undefined, undefined, ['note']],
] as const)('on the target, %s', (_what, check, foundOnCopy, found, severities) => {
  const known = [{ check, ...(foundOnCopy === undefined ? {} : { foundOnCopy }) }];
  expect(findingsOnTarget(known, [{ check, found, message }]).map(({ severity }) => severity)).toEqual(severities);
});

test('on the copy, after a failure, everything that stands against the migration is said', () => {
  const answers = [
    { check: unique, found: 2, message },
    { check: expiry, found: 0, message },
    { check: use, found: 2, message },
  ];
  expect(findingsOnCopy(answers)).toEqual([{ severity: 'warning', rule: 'migration/precheck', message: '1.js: 2 documents' }]);
});

test('before the day of the release, what is in the way is a warning, and what is not known is not said', () => {
  const answers = [
    { check: disk, found: 1, message },
    { check: disk, found: 0, message },
    { check: disk, found: undefined, message },
  ];
  expect(findingsAhead(answers)).toEqual([{ severity: 'warning', rule: 'migration/precheck', message: '1.js: 2 documents' }]);
});
