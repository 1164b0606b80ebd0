import { describe, expect, test } from '@jest/globals';
import { chooseDown } from './down.ts';

const file = (name: string, hash = 'a') => ({ name, path: `/migrations/${name}`, hash });
const applied = { state: 'APPLIED', hash: 'a' } as const;

describe('the files whose down leads back', () => {
  test('are those that were applied, the newest first', () => {
    const journal = new Map([
      ['2.js', applied],
      ['3.js', applied],
    ]);
    expect(chooseDown(['3.js', '2.js'], [file('1.js'), file('2.js'), file('3.js')], journal)).toEqual({
      files: [file('3.js'), file('2.js')],
    });
  });

  test('may have been applied by another tool', () => {
    expect(chooseDown(['2.js'], [file('2.js')], new Map())).toEqual({ files: [file('2.js')] });
  });

  test.each([
    ['is not there', [], applied, 'the file 2.js is not in the folder of the migrations'],
    ['was changed', [file('2.js', 'b')], applied, '2.js was changed after it was applied'],
    ['failed on its way', [file('2.js')], { state: 'FAILED', hash: 'a' }, '2.js was not applied to its end (FAILED)'],
    ['was killed on its way', [file('2.js')], { state: 'STARTED', hash: 'a' }, '2.js was not applied to its end (STARTED)'],
  ] as const)('none, when one %s', (_, project, entry, why) => {
    expect(chooseDown(['2.js'], project, new Map([['2.js', entry]]))).toEqual({ why });
  });
});
