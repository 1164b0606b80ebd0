import { describe, expect, test } from '@jest/globals';
import type { Document } from 'mongodb';
import type { MigrationFile } from '../files.ts';
import { planImport, type ImportPlanParts } from './plan.ts';
import { sourceFormats, type ImportSource } from './sources.ts';

const file = (name: string): MigrationFile => ({ name, path: `/migrations/${name}`, hash: 'a' });
const early = new Date('2024-01-01T00:00:00Z');
const late = new Date('2024-02-01T00:00:00Z');

function plan(source: ImportSource, documents: readonly Document[], files: readonly string[], more: Partial<ImportPlanParts> = {}) {
  const { taken, known, unmatched, skipped, pending } = planImport({
    records: sourceFormats[source].read(documents),
    files: files.map(file),
    applied: [],
    named: {},
    ...more,
  });
  const names = (found: typeof taken) => found.map(({ file: { name }, appliedAt }) => (appliedAt === undefined ? name : [name, appliedAt]));
  return { taken: names(taken), known: names(known), unmatched, skipped, pending };
}

const nothing = { known: [], unmatched: [], skipped: [], pending: [] };

describe('what another tool has applied', () => {
  test('mongock: what was last said of a change counts; system changes and the steps before a change are none', () => {
    const entry = {
      executionId: 'e1',
      author: 'ada',
      timestamp: early,
      type: 'EXECUTION',
      systemChange: false,
      changeSetMethod: 'execution',
    };
    const documents = [
      { ...entry, changeId: 'add-status', state: 'EXECUTED', changeLogClass: 'com.shop.AddStatus' },
      { ...entry, changeId: 'add-status', state: 'IGNORED', executionId: 'e2', timestamp: late },
      { ...entry, changeId: 'add-status_before', state: 'EXECUTED', type: 'BEFORE_EXECUTION' },
      { ...entry, changeId: 'split-name', state: 'EXECUTED', changeLogClass: 'com.shop.SplitName' },
      { ...entry, changeId: 'split-name', state: 'ROLLED_BACK', timestamp: late },
      { ...entry, changeId: 'drop-old', state: 'FAILED' },
      { ...entry, changeId: '003', state: 'EXECUTED', changeLogClass: 'com.shop.IndexOrders' },
      { ...entry, changeId: 'system-change-00001', state: 'EXECUTED', systemChange: true },
    ];
    expect(plan('mongock', documents, ['20240101-add_status.js', '20240102-split-name.js', '3-IndexOrders.ts'])).toEqual({
      ...nothing,
      taken: [
        ['20240101-add_status.js', early],
        ['3-IndexOrders.ts', early],
      ],
      skipped: [
        { id: 'split-name', why: 'reverted' },
        { id: 'drop-old', why: 'failed' },
      ],
      pending: ['20240102-split-name.js'],
    });
  });

  test('ts-migrate-mongoose: the file is time and name', () => {
    const documents = [
      { name: 'add-status', state: 'up', createdAt: early, updatedAt: late },
      { name: 'other', state: 'down', createdAt: early },
    ];
    expect(plan('ts-migrate-mongoose', documents, [`${early.getTime()}-add-status.ts`, `${early.getTime()}-other.ts`])).toEqual({
      ...nothing,
      taken: [[`${early.getTime()}-add-status.ts`, late]],
      skipped: [{ id: 'other', why: 'reverted' }],
      pending: [`${early.getTime()}-other.ts`],
    });
  });

  test('mongo-migrate-ts: the file is a path, compiled or not', () => {
    const documents = [
      { file: 'dist/migrations/1691171075957_Transaction.js', className: 'Transaction1691171075957', timestamp: late.getTime() },
    ];
    expect(plan('mongo-migrate-ts', documents, ['1691171075957_Transaction.ts'])).toEqual({
      ...nothing,
      taken: [['1691171075957_Transaction.ts', late]],
    });
  });

  test('umzug: nothing but names, with or without extension', () => {
    expect(plan('umzug', [{ migrationName: '1-a.js' }, { migrationName: '2-b' }, { other: 1 }], ['1-a.js', '2-b.ts', '3-c.ts'])).toEqual({
      ...nothing,
      taken: ['1-a.js', '2-b.ts'],
      pending: ['3-c.ts'],
    });
  });

  test('golang-migrate: every file up to the version', () => {
    expect(
      plan('golang-migrate', [{ version: 20240102, dirty: false }], ['20240101_a.js', '20240102_b.js', '20240103_c.js', 'x.js']),
    ).toEqual({
      ...nothing,
      taken: ['20240101_a.js', '20240102_b.js'],
      pending: ['20240103_c.js', 'x.js'],
    });
  });

  test.each([
    ['migrate-mongo' as const, { fileName: '1-a.js', appliedAt: early }],
    ['plain' as const, { filename: '1-a.js', executedAt: early, success: true }],
  ])('%s', (source, document) => {
    expect(plan(source, [document], ['1-a.js'])).toEqual({ ...nothing, taken: [['1-a.js', early]] });
  });
});

describe('matching', () => {
  test('tells what it could not match and why, and follows the names that it is given', () => {
    const documents = ['gone', 'twice', 'first', 'second'].map((migrationName) => ({ migrationName }));
    const named = { first: '9-x.js', second: 'none.js' };
    expect(plan('umzug', documents, ['1-twice.js', '2-twice.js', '9-x.js'], { named })).toEqual({
      ...nothing,
      taken: ['9-x.js'],
      unmatched: [
        { id: 'gone', why: 'no file has its name' },
        { id: 'twice', why: 'several files could be it: 1-twice.js, 2-twice.js' },
        { id: 'second', why: 'there is no file none.js' },
      ],
      pending: ['1-twice.js', '2-twice.js'],
    });
  });

  test('what the history holds already stays as it is', () => {
    expect(plan('umzug', [{ migrationName: '1.js' }, { migrationName: '2.js' }], ['1.js', '2.js'], { applied: ['1.js'] })).toEqual({
      ...nothing,
      taken: ['2.js'],
      known: ['1.js'],
    });
  });
});
