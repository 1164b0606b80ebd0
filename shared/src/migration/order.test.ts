import { describe, expect, test } from '@jest/globals';
import type { MigrationFile } from './files.ts';
import { renamed, select, standing } from './order.ts';

const file = (name: string, hash = 'a'): MigrationFile => ({ name, path: `/migrations/${name}`, hash });
const applied = (fileName: string, fileHash?: string) => ({
  fileName,
  appliedAt: new Date(0),
  ...(fileHash === undefined ? {} : { fileHash }),
});
const names = (files: readonly MigrationFile[]): readonly string[] => files.map(({ name }) => name);

describe('standing', () => {
  test('tells pending, late and missing files apart', () => {
    const stand = standing([file('1.js'), file('2.js'), file('4.js')], [applied('2.js'), applied('3.js')]);
    expect(names(stand.pending)).toEqual(['1.js', '4.js']);
    expect(names(stand.late)).toEqual(['1.js']);
    expect(stand.missing).toEqual(['3.js']);
    expect(stand.applied).toEqual(['2.js', '3.js']);
  });

  test('finds edited files by the hash of the history, else by the recorded one, and never without a hash', () => {
    const files = [file('1.js', 'new'), file('2.js', 'new'), file('3.js', 'new')];
    const history = [applied('1.js', 'old'), applied('2.js'), applied('3.js')];
    expect(names(standing(files, history, { recordedHashes: new Map([['2.js', 'old']]) }).edited)).toEqual(['1.js', '2.js']);
  });

  test('an edited file is pending again where it is to run again, and is not late; one that was put back is not', () => {
    const files = [file('1.js', 'new'), file('2.js', 'old'), file('3.js', 'any'), file('4.js')];
    const history = [
      applied('1.js', 'old'),
      { ...applied('2.js', 'newer'), earlierHashes: ['old'] },
      applied('3.js'),
      applied('4.js', 'a'),
    ];
    const stand = standing(files, history, { runEdited: true });
    expect(names(stand.pending)).toEqual(['1.js']);
    expect(names(stand.edited)).toEqual(['1.js']);
    expect(stand.late).toEqual([]);
  });

  test('a history without extensions means the files of these names', () => {
    const stand = standing([file('1-a.ts'), file('2-b.ts')], [applied('1-a')]);
    expect(stand).toMatchObject({ applied: ['1-a.ts'], missing: [] });
    expect(names(stand.pending)).toEqual(['2-b.ts']);
  });
});

describe('select', () => {
  const pending = [file('1-a.js'), file('2-b.ts'), file('3-c.js')];

  test.each([
    [{}, ['1-a.js', '2-b.ts', '3-c.js']],
    [{ to: '2-b.ts' }, ['1-a.js', '2-b.ts']],
    [{ to: '2-b' }, ['1-a.js', '2-b.ts']],
    [{ steps: 1 }, ['1-a.js']],
    [{ steps: 9 }, ['1-a.js', '2-b.ts', '3-c.js']],
    [{ to: '3-c.js', steps: 2 }, ['1-a.js', '2-b.ts']],
    [{ only: ['3-c', '1-a.js'] }, ['1-a.js', '3-c.js']],
    [{ only: ['3-c.js', '1-a.js'], steps: 1 }, ['1-a.js']],
    [{ only: ['3-c.js'], to: '2-b' }, []],
  ])('%j takes %j', (selection, expected) => {
    const selected = select(pending, selection);
    expect('files' in selected && names(selected.files)).toEqual(expected);
  });

  test('knows no file that is not pending', () => {
    expect(select(pending, { to: '9.js', only: ['1-a', '8'] })).toEqual({ unknown: ['8', '9.js'] });
  });
});

describe('renamed', () => {
  test.each([
    ['20240101000000-add-status.js', '20261121101500-add-status.js'],
    ['007_names.ts', '20261121101500-names.ts'],
    ['cleanup.js', '20261121101500-cleanup.js'],
  ])('%s becomes %s', (name, expected) => {
    expect(renamed(name, new Date('2026-11-21T10:15:00.123Z'))).toBe(expected);
  });
});
