import { describe, expect, test } from '@jest/globals';
import { escapeCollection, unescapeCollection } from './file-names.ts';

describe('escapeCollection', () => {
  test.each([
    ['orders', 'orders'],
    ['with space', 'with+space'],
    ['a+b', 'a%2Bb'],
    ['100%', '100%25'],
    ['slash/name', 'slash%2Fname'],
    ['back\\slash', 'back%5Cslash'],
    ["(it's)!*~", '%28it%27s%29%21%2A~'],
    ['new\nline', 'new%0Aline'],
    ['cafés', 'caf%C3%A9s'],
    ['emoji😀', 'emoji%F0%9F%98%80'],
    ['l'.repeat(200), 'l'.repeat(200)],
  ])('writes %j as mongodump does, and reads it back', (name, escaped) => {
    expect(escapeCollection(name)).toBe(escaped);
    expect(unescapeCollection(escaped)).toBe(name);
  });

  test('cuts a long name to 238 bytes with its hash, as mongodump 100.18 does', () => {
    const escaped = escapeCollection('ü'.repeat(90));
    expect(escaped).toBe(`${'%C3%BC'.repeat(35).slice(0, 208)}%24Ekb0YsFrEWRIE64hencHp82e0Hc`);
    expect(escaped).toHaveLength(238);
    expect(unescapeCollection(escaped)).toBeUndefined();
  });
});
