import { describe, expect, test } from '@jest/globals';
import { derivedForms } from './derived-forms.ts';

describe('derivedForms', () => {
  test('of a connection string are the whole, user information and password, as written and decoded', () => {
    expect(derivedForms('mongodb+srv://app:p%40ss%2Fword@cluster.example.net/shop?w=majority')).toEqual([
      'mongodb+srv://app:p%40ss%2Fword@cluster.example.net/shop?w=majority',
      'app:p%40ss%2Fword',
      'p%40ss%2Fword',
      'p@ss/word',
    ]);
  });

  test('of a text with several lines are its lines too', () => {
    expect(derivedForms('first line\nsecond line')).toEqual(['first line\nsecond line', 'first line', 'second line']);
  });

  test('leave out what is too short to hide without blanking the log', () => {
    expect(derivedForms('mongodb://u:pw@host')).toEqual(['mongodb://u:pw@host', 'u:pw']);
  });

  test('survive a password that is not URL-encoded', () => {
    expect(derivedForms('mongodb://user:100%pass@host')).toContain('100%pass');
  });
});
