import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { booleanKind, bytesKind, choiceKind, durationKind, integerKind, InvalidValue, listKind, secretKind } from './kinds.ts';

describe('kinds of inputs', () => {
  test.each([
    ['90s', 90_000],
    ['30m', 1_800_000],
    ['1h30m', 5_400_000],
    ['250ms', 250],
    ['1.5h', 5_400_000],
    ['0.1ms', 0],
  ])('duration %s is %d ms', (text, value) => {
    expect(durationKind.parse(text)).toBe(value);
  });

  test.each([
    ['500MB', 500_000_000],
    ['4GiB', 4 * 2 ** 30],
    ['10 B', 10],
  ])('size %s is %d bytes', (text, value) => {
    expect(bytesKind.parse(text)).toBe(value);
  });

  test.each([
    [durationKind, '77'],
    [durationKind, '-5s'],
    [bytesKind, '5 apples'],
    [booleanKind, 'yes'],
    [integerKind({ min: 1, max: 5 }), '6'],
    [integerKind({}), '1.5'],
    [integerKind({}), 'many'],
    [listKind, '[1, 2]'],
    [choiceKind(['create', 'verify']), 'destroy'],
  ])('%# refuses what is not its kind without repeating it', (kind, text) => {
    const parse = (): unknown => kind.parse(text);
    expect(parse).toThrow(InvalidValue);
    expect(parse).not.toThrow(text);
  });

  test('a choice suggests the nearest value', () => {
    expect(() => choiceKind(['create', 'verify']).parse('crate')).toThrow('did you mean create?');
  });

  test('a list is a JSON array or one item a line', () => {
    expect(listKind.parse('a\n b \r\n\nc')).toEqual(['a', 'b', 'c']);
    expect(listKind.parse('["a", " b\\n"]')).toEqual(['a', ' b\n']);
  });

  test('a list of lines comes back as written', () => {
    const items = fc.array(fc.stringMatching(/^[a-z0-9._*-]+$/), { minLength: 1 });
    fc.assert(fc.property(items, (values) => expect(listKind.parse(values.join('\n'))).toEqual(values)));
  });

  test('a secret prints itself as [secret] in every way', () => {
    const secret = secretKind.parse('hunter2');
    expect(`${String(secret)} ${JSON.stringify({ secret })}`).toBe('[secret] {"secret":"[secret]"}');
    expect(secret.reveal()).toBe('hunter2');
  });
});
