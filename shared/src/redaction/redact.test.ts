import { expect, test } from '@jest/globals';
import { redact } from './redact.ts';

test('redact replaces secrets in every text of a document, longest first', () => {
  const report = { reason: 'u:secret@host failed', rows: [['secret', 1, null]], nested: { text: 'no' } };
  expect(redact(report, ['secret', 'u:secret'])).toEqual({ reason: '***@host failed', rows: [['***', 1, null]], nested: { text: 'no' } });
});
