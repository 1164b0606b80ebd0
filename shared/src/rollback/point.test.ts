import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { locatePoint, requireDatabase, rollbackPoint } from './point.ts';

const golden = path.join(import.meta.dirname, 'fixtures/rollback-point-1.json');

describe('the rollback point document', () => {
  test('of version 1 is read as it was written then, and written as it was', async () => {
    await using folder = await temporaryFolder();
    const point = await rollbackPoint.read(golden);
    expect(point).toMatchObject({ id: '20260101T120000Z-1a2b3c4d', planned: ['2-second.js', '3-third.js'] });
    const file = path.join(folder.path, 'rollback-point.json');
    await rollbackPoint.write(file, point);
    expect(await readFile(file, 'utf8')).toBe(await readFile(golden, 'utf8'));
  });

  test('of a newer release is refused', () => {
    expect(() => rollbackPoint.parse({ version: 2 }, 'x')).toThrow(expect.objectContaining({ code: 'document/too-new' }));
  });

  test('with a part missing or unknown is refused', async () => {
    const point = await rollbackPoint.read(golden);
    const { history: _, ...incomplete } = point;
    expect(() => rollbackPoint.parse(incomplete, 'x')).toThrow(expect.objectContaining({ code: 'document/invalid' }));
    expect(() => rollbackPoint.parse({ ...point, extra: 1 }, 'x')).toThrow(expect.objectContaining({ code: 'document/invalid' }));
  });

  test('of another database is refused', async () => {
    const point = await rollbackPoint.read(golden);
    expect(() => requireDatabase(point, 'other')).toThrow(expect.objectContaining({ code: 'rollback/wrong-database' }));
    expect(() => requireDatabase(point, 'shop')).not.toThrow();
  });

  test.each([
    [undefined, path.resolve('/run/rollback-point.json')],
    ['latest', 'latest'],
    ['points/one.json', path.resolve('/checkout/points/one.json')],
    [path.resolve('/elsewhere/one.json'), path.resolve('/elsewhere/one.json')],
  ])('%s is found at %s', (given, place) => {
    expect(locatePoint({ given, runFolder: path.resolve('/run'), workspace: path.resolve('/checkout') })).toBe(place);
  });
});
