import { expect, test } from '@jest/globals';
import { stableChunkIds } from './chunk-ids.ts';

const own = (...ids: number[]): string => `export const id = ${ids[0]};\nexport const ids = [${ids.join(',')}];\n`;
const build = (shared: number, story: number): ReadonlyMap<string, string> =>
  new Map([
    ['entries.js', `load=()=>Promise.all([n.e(${shared}),n.e(${story})]);n.e(7.5)`],
    [`${shared}.index.js`, `${own(shared)}export const modules = {5152:1}`],
    [`${story}.index.js`, `${own(story, shared)}export const modules = {9:()=>n.e(/* import() */ ${shared})}`],
  ]);

test('two builds that differ by the ids of chunks only become the same', () => {
  const built = stableChunkIds(build(245, 976));
  expect(Object.fromEntries(built)).toEqual(Object.fromEntries(stableChunkIds(build(328, 14))));
  expect([...built.keys()].sort()).toEqual(['1.index.js', '2.index.js', 'entries.js']);
});

test('every reference follows its chunk', () => {
  for (const [shared, story] of [
    [2, 1],
    [300, 7],
  ] as const) {
    const built = stableChunkIds(build(shared, story));
    const number = (content: string): number => Number([...built].find(([, text]) => text.includes(content))?.[0].split('.')[0]);
    const [to, from] = [number('5152'), number('{9:')];
    expect(built.get(`${to}.index.js`)).toBe(`${own(to)}export const modules = {5152:1}`);
    expect(built.get(`${from}.index.js`)).toBe(`${own(from, to)}export const modules = {9:()=>n.e(/* import() */ ${to})}`);
    expect(built.get('entries.js')).toBe(`load=()=>Promise.all([n.e(${to}),n.e(${from})]);n.e(7.5)`);
  }
});

test('a chunk that says its id in another way ends the build', () => {
  expect(() => stableChunkIds(new Map([['7.index.js', 'const id=7;const ids=[7];']]))).toThrow('7.index.js does not begin with its id');
});
