import { expect, test } from '@jest/globals';
import { nearest } from './nearest.ts';

test('the nearest name is a slip away, not any name', () => {
  expect(nearest('databse', ['database', 'uri'])).toBe('database');
  expect(nearest('colour', ['database', 'uri'])).toBeUndefined();
});
