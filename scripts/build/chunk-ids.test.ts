import { expect, test } from '@jest/globals';
import { stableChunkIds } from './chunk-ids.ts';

const build = (shared: number, story: number): ReadonlyMap<string, string> =>
  new Map([
    ['entries.js', `load=()=>Promise.all([n.e(${shared}),n.e(${story})]);n.e(7.5)`],
    [`${shared}.index.js`, `export const x=1;const id=${shared};const ids=[${shared}];const modules={5152:1}`],
    [`${story}.index.js`, `n.e(${shared});const id=${story};const ids=[${story}];const modules={9:2}`],
  ]);

test('two builds that differ by the ids of chunks only become the same', () => {
  const built = stableChunkIds(build(245, 976));
  expect(Object.fromEntries(built)).toEqual(Object.fromEntries(stableChunkIds(build(328, 14))));
  expect([...built.keys()].sort()).toEqual(['1.index.js', '2.index.js', 'entries.js']);
});

test('every reference follows its chunk', () => {
  const built = stableChunkIds(build(2, 1));
  const names = [...built.keys()].filter((name) => name !== 'entries.js');
  for (const name of names) expect(built.get(name)).toContain(`const id=${name.split('.')[0]};const ids=[${name.split('.')[0]}];`);
  const shared = names.find((name) => built.get(name)?.includes('5152'))?.split('.')[0];
  expect(built.get('entries.js')).toContain(`Promise.all([n.e(${shared}),`);
  expect(built.get('entries.js')).toContain('n.e(7.5)');
});
