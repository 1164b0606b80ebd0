import { expect, test } from '@jest/globals';
import { settleRecorded } from './recorded.ts';
import type { LintFinding } from './run.ts';
import { noSettings } from './settings.ts';

const file = 'migrations/1.mjs';
const text = `export const up = async (db) => {
  // migration-guard-disable-next-line MP403 -- a hundred thousand at most
  await db.collection('orders').updateOne({}, {});
  await db.collection('orders').deleteMany({});
};`;
const finding = (code: string, line: number): LintFinding => ({ code, severity: 'warning', message: '', file, line, column: 1 });
const options = { sources: [{ file, text }], settings: noSettings, known: [] };

test('a suppression on the line above counts', () => {
  expect(settleRecorded([finding('MP403', 3), finding('MP402', 3)], options)).toEqual([finding('MP402', 3)]);
});

test('what the static rule has found at the line, or in the file where no line is known, is said once', () => {
  const known = [finding('MD103', 4)];
  expect(settleRecorded([finding('MD103', 4), finding('MD103', 1), finding('MD103', 3)], { ...options, known })).toEqual([
    finding('MD103', 3),
  ]);
});

test('severities are those of the configuration', () => {
  const settings = { ...noSettings, rules: { MP402: 'off', MP401: 'error' } } as const;
  expect(settleRecorded([finding('MP402', 3), finding('MP401', 3)], { ...options, settings })).toEqual([
    { ...finding('MP401', 3), severity: 'error' },
  ]);
});
