import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { permuteNumber, permuteText } from './permute.ts';

const key = Buffer.from('a key for tests');

describe('permuteText', () => {
  test('keeps the shape', () => {
    const masked = permuteText(key, 'Anna-Lena Größe, +49 30 1234567') ?? '';
    expect(masked).toMatch(/^[A-Z][a-z]{3}-[A-Z][a-z]{3} [A-Z][a-z][ß-ö]{2}[a-z], \+\d\d \d\d \d{7}$/u);
    expect(masked).not.toContain('Anna');
  });

  test('is a permutation: all texts of one shape become all texts of that shape', () => {
    const texts = Array.from({ length: 1_000 }, (_, number) => String(number).padStart(3, '0'));
    expect(new Set(texts.map((text) => permuteText(key, text)))).toEqual(new Set(texts));
  });

  test('tells long texts apart by their ends and their beginnings', () => {
    const long = 'x'.repeat(200);
    const all = [long, `${long}y`, `y${long.slice(1)}`, `${long.slice(1)}y`];
    expect(new Set(all.map((text) => permuteText(key, text))).size).toBe(all.length);
  });

  test('never makes one text of two, and is the same each time', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), fc.string({ maxLength: 60 }), (a, b) => {
        const [maskedA, maskedB] = [permuteText(key, a), permuteText(key, b)];
        if (maskedA !== undefined && maskedB !== undefined) expect(maskedA === maskedB).toBe(a === b);
        expect(permuteText(key, a)).toBe(maskedA);
      }),
    );
  });

  test('another key gives another text', () => {
    expect(permuteText(Buffer.from('another'), 'Anna Schmidt')).not.toBe(permuteText(key, 'Anna Schmidt'));
  });

  test('refuses letters that it would have to keep', () => {
    expect(permuteText(key, 'ቋንቋ')).toBeUndefined();
    expect(permuteText(key, '--- !')).toBe('--- !');
  });
});

describe('permuteNumber', () => {
  test.each([1n, 2n, 9n, 10n, 97n, 1_000n])('is a permutation of the numbers below %d', (size) => {
    const numbers = Array.from({ length: Number(size) }, (_, number) => BigInt(number));
    expect(new Set(numbers.map((number) => permuteNumber(key, number, size)))).toEqual(new Set(numbers));
  });
});
