import { describe, expect, test } from '@jest/globals';
import type { Census, CollectionCensus } from '../mongo/census.ts';
import { planRollback, type RollbackPlan, type Strategy } from './plan.ts';

function collection(name: string, sum = '0', documents = 1, more: Partial<CollectionCensus> = {}): CollectionCensus {
  const digest = { documents, bytes: documents * 10, sum: sum.padStart(32, '0') };
  return { name, type: 'collection', options: '{}', indexes: [], documents, digest, ...more };
}

function census(...collections: readonly CollectionCensus[]): Census {
  return { database: 'shop', takenAt: '2026-01-01T00:00:00.000Z', collections };
}

function plan(point: Census, now: Census, backup: Census | undefined = point, strategy: Strategy = 'auto'): RollbackPlan {
  return planRollback({ point: { database: 'shop', census: point }, now, backup, strategy });
}

const steps = ({ steps: all }: RollbackPlan): readonly string[] => all.map(({ kind, collection: name }) => `${kind} ${name}`);

describe('planning a rollback', () => {
  const point = census(collection('orders', 'a', 3), collection('users', 'b', 2));

  test('finds nothing to do in an equal database, even without a backup and for a full restore', () => {
    for (const strategy of ['auto', 'restore-collections', 'restore'] as const) {
      expect(plan(point, point, census(), strategy)).toMatchObject({ rung: 'none', steps: [], conflicts: [], differences: [] });
    }
  });

  test('restores what differs, leaves the rest alone, and drops what was not there', () => {
    const now = census(collection('created', 'c', 7), collection('orders', 'x', 2), collection('users', 'b', 2));
    const found = plan(point, now);
    expect(found).toMatchObject({ rung: 'restore-collections', conflicts: [], expected: point });
    expect(found.steps).toEqual([
      { kind: 'restore', collection: 'orders', documents: 3, bytes: 30, why: 'documents 3 → 2' },
      { kind: 'drop', collection: 'created', documents: 7, why: 'not there at the rollback point' },
    ]);
  });

  test('brings a renamed collection back by restoring the old name and dropping the new one', () => {
    const now = census(collection('orders_old', 'a', 3), collection('users', 'b', 2));
    expect(steps(plan(point, now))).toEqual(['restore orders', 'drop orders_old']);
  });

  test.each([
    ['indexes', { indexes: ['{"name":"total_1"}'] }],
    ['options', { options: '{"validator":{}}' }],
  ])('restores a collection of which only the %s differ', (why, more) => {
    const now = census(collection('orders', 'a', 3, more), collection('users', 'b', 2));
    expect(plan(point, now).steps).toMatchObject([{ kind: 'restore', collection: 'orders', why }]);
  });

  test('a full restore puts back every collection', () => {
    const now = census(collection('orders', 'x', 2), collection('users', 'b', 2));
    const found = plan(point, now, point, 'restore');
    expect(found.rung).toBe('restore');
    expect(found.steps).toMatchObject([
      { kind: 'restore', collection: 'orders' },
      { kind: 'restore', collection: 'users', why: 'full restore was asked for' },
    ]);
  });

  test('only needs no backup for what is dropped', () => {
    const found = plan(point, census(collection('created'), ...point.collections), census());
    expect(found).toMatchObject({ conflicts: [], steps: [{ kind: 'drop', collection: 'created' }] });
  });

  describe('when the backup is not what the point says', () => {
    const now = census(collection('orders', 'x', 2), collection('users', 'b', 2));

    test('names the collection and expects what the backup holds', () => {
      const held = collection('orders', 'e', 4);
      const found = plan(point, now, census(held, collection('users', 'b', 2)));
      expect(found.conflicts).toEqual([{ collection: 'orders', why: 'its documents 3 → 4 in the backup', restorable: true }]);
      expect(found.expected.collections[0]).toEqual(held);
      expect(found.steps).toMatchObject([{ collection: 'orders', documents: 4 }]);
    });

    test('says so when it does not hold the collection, or when there is none', () => {
      const missing = [{ collection: 'orders', why: 'it is not in the backup', restorable: false }];
      expect(plan(point, now, census(collection('users', 'b', 2))).conflicts).toEqual(missing);
      expect(planRollback({ point: { database: 'shop', census: point }, now, backup: undefined, strategy: 'auto' }).conflicts).toEqual(
        missing,
      );
    });

    test('does not care about collections that are not touched', () => {
      expect(plan(point, now, census(collection('orders', 'a', 3), collection('users', 'zz', 9))).conflicts).toEqual([]);
    });

    test('has nothing left to do where the database holds what the backup holds', () => {
      const held = census(collection('orders', 'e', 4), collection('users', 'b', 2));
      expect(plan(point, held, held)).toMatchObject({ rung: 'none', steps: [], conflicts: [{ collection: 'orders' }] });
    });
  });
});
