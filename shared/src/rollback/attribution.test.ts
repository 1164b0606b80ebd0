import { describe, expect, test } from '@jest/globals';
import { noEffects, type Effects } from '../migration/effects.ts';
import type { JournalState } from '../migration/journal.ts';
import { attribute, type Attribution } from './attribution.ts';
import type { DefinitionChange, Mark, WriteCount } from './writes-since.ts';

const modified = (collection: string, count: number): Effects => ({
  ...noEffects,
  collections: { [collection]: { inserted: 0, modified: count, deleted: 0 } },
});
const entry = (state: JournalState, more: { effects?: Effects; rung?: string; file?: string } = {}): Mark => ({
  kind: 'journal',
  entry: { file: '2.js', state, ...more },
});
const wrote = (interval: number, collection: string, writes: number): WriteCount => ({ interval, collection, writes });

interface Oplog {
  readonly marks: readonly Mark[];
  readonly counts?: readonly WriteCount[];
  readonly definitions?: readonly DefinitionChange[];
}

function attributed({ marks, counts = [], definitions = [] }: Oplog, files: readonly string[] = ['2.js']): Attribution {
  return attribute({ since: { known: true, marks, counts, definitions }, files, changelog: 'changelog' });
}

/** As plain values, without the changelog, which is always touched. */
function told(found: Attribution): object {
  if (!found.known) return found;
  const { touched, others, uncertain } = found;
  return {
    touched: [...touched].filter((name) => name !== 'changelog').sort(),
    others: Object.fromEntries(others),
    uncertain: Object.fromEntries(uncertain),
  };
}

describe('whose the writes since a rollback point are', () => {
  test('those that the server confirmed to the migration are its own, all others are not', () => {
    const marks = [entry('STARTED'), entry('FINISHED', { effects: modified('orders', 10) }), entry('APPLIED')];
    const counts = [
      wrote(0, 'orders', 1),
      wrote(1, 'orders', 12),
      wrote(1, 'sessions', 3),
      wrote(2, 'changelog', 1),
      wrote(3, 'orders', 4),
    ];
    expect(told(attributed({ marks, counts }))).toEqual({ touched: ['orders'], others: { orders: 7, sessions: 3 }, uncertain: {} });
  });

  test('a failed migration tells what it did until then', () => {
    const marks = [entry('STARTED'), entry('FAILED', { effects: modified('orders', 5) })];
    expect(told(attributed({ marks, counts: [wrote(1, 'orders', 5)] }))).toEqual({ touched: ['orders'], others: {}, uncertain: {} });
  });

  test('nobody can tell the writes during a migration that was killed, or that copied on the server', () => {
    const counts = [wrote(1, 'orders', 5)];
    const doubt = { touched: ['orders'], others: {}, uncertain: { orders: 5 } };
    expect(told(attributed({ marks: [entry('STARTED')], counts }))).toEqual(doubt);
    const copied = entry('FINISHED', { effects: { ...noEffects, structure: ['$merge users'] } });
    expect(told(attributed({ marks: [entry('STARTED'), copied], counts }))).toEqual(doubt);
    const again = [entry('STARTED'), entry('STARTED'), entry('FINISHED', { effects: modified('orders', 1) })];
    expect(told(attributed({ marks: again, counts: [...counts, wrote(2, 'orders', 1)] }))).toEqual(doubt);
  });

  test('what a collection is, is changed by whoever was at work', () => {
    const marks = [entry('STARTED'), entry('APPLIED', { effects: noEffects })];
    const definitions: DefinitionChange[] = [
      { kind: 'create', collection: 'added', interval: 1 },
      { kind: 'rename', collection: 'orders', to: 'orders_old', interval: 1 },
      { kind: 'create', collection: 'theirs', interval: 2 },
      { kind: 'change', collection: 'users', interval: 0 },
    ];
    expect(told(attributed({ marks, definitions }))).toEqual({
      touched: ['added', 'orders', 'orders_old'],
      others: { theirs: 1, users: 1 },
      uncertain: {},
    });
  });

  test('what an earlier rollback wrote is not that of others, but what was written beside its restore is', () => {
    const undone = [entry('STARTED'), entry('APPLIED', { effects: modified('orders', 1) }), entry('ROLLING_BACK', { rung: 'undo' })];
    const counts = [wrote(1, 'orders', 1), wrote(3, 'orders', 2)];
    expect(told(attributed({ marks: undone, counts }))).toEqual({ touched: ['orders'], others: {}, uncertain: { orders: 2 } });
    const restored = [...undone.slice(0, 2), entry('ROLLING_BACK', { rung: 'restore-collections' })];
    const dropped: DefinitionChange = { kind: 'drop', collection: 'added', interval: 3 };
    expect(told(attributed({ marks: restored, counts, definitions: [dropped] }))).toEqual({
      touched: ['orders'],
      others: { orders: 2 },
      uncertain: {},
    });
  });

  test('what was written before a collection was restored does not count any more', () => {
    const marks: Mark[] = [entry('STARTED'), entry('APPLIED', { effects: noEffects }), { kind: 'swap', collection: 'orders' }];
    const found = attributed({ marks, counts: [wrote(2, 'orders', 9), wrote(3, 'orders', 1)] });
    expect(told(found)).toMatchObject({ others: { orders: 1 } });
    expect(found).toMatchObject({ replaced: new Map([['orders', 9]]) });
  });

  test('is not known without an oplog, nor of a file that the journal does not know', () => {
    const why = 'a standalone server keeps no oplog';
    expect(attribute({ since: { known: false, why }, files: [], changelog: 'changelog' })).toEqual({ known: false, why });
    expect(attributed({ marks: [] })).toEqual({ known: false, why: 'the journal does not say when 2.js ran' });
    expect(told(attributed({ marks: [], counts: [wrote(0, 'orders', 1)] }, []))).toEqual({
      touched: [],
      others: { orders: 1 },
      uncertain: {},
    });
  });
});
