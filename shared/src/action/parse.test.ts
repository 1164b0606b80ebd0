import { describe, expect, test } from '@jest/globals';
import { Secret } from '../redaction/secret.ts';
import { choice, duration, integer, secret, text } from './inputs.ts';
import { parse } from './parse.ts';

const table = {
  mode: choice('What to do.', ['plan', 'apply']).or('plan'),
  uri: secret('Target.').mandatory(),
  'max-age': duration('Oldest backup.'),
  workers: integer('Readers.', { min: 1, max: 8 }).or('2'),
  note: text('Note.'),
};
const inputs = (values: Record<string, string>): ReadonlyMap<string, string> => new Map(Object.entries(values));
const none = new Map<string, never>();

describe('parse', () => {
  test('gives camel-case values and the defaults of absent inputs', () => {
    const { values, problems } = parse(table, inputs({ uri: 'mongodb://host', 'max-age': '24h', note: '' }), none);
    expect(problems).toEqual([]);
    expect(values).toEqual({ mode: 'plan', uri: expect.any(Secret), maxAge: 86_400_000, workers: 2, note: undefined });
  });

  test('lets an input win over the configuration file, and the file over the default', () => {
    const settings = new Map([
      ['mode', { text: 'apply' }],
      ['workers', { text: '4' }],
    ]);
    expect(parse(table, inputs({ uri: 'x', workers: '8' }), settings).values).toMatchObject({ mode: 'apply', workers: 8 });
  });

  test('reports every problem of every input at once', () => {
    const { problems } = parse(table, inputs({ mode: 'aply', workers: '0', 'max-aeg': '1h' }), none);
    expect(problems.map(({ subject, message }) => `${subject} ${message}`)).toEqual([
      'max-aeg is not an input of this action (did you mean max-age?)',
      'mode expected one of plan, apply (did you mean apply?)',
      'uri is required',
      'workers expected a whole number from 1 to 8',
    ]);
  });

  test('keeps the place of a problem in the configuration file', () => {
    const place = { file: 'guard.yml', line: 3, column: 5 };
    const settings = new Map([['workers', { text: 'two', place }]]);
    expect(parse(table, inputs({ uri: 'x' }), settings).problems).toEqual([{ subject: 'workers', message: expect.any(String), place }]);
  });
});
