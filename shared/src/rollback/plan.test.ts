import { describe, expect, test } from '@jest/globals';
import type { Census, CollectionCensus } from '../mongo/census.ts';
import type { Attribution } from './attribution.ts';
import { planRestore, type Extent, type RestorePlan } from './plan.ts';

function collection(name: string, sum = '0', documents = 1, more: Partial<CollectionCensus> = {}): CollectionCensus {
  const digest = { documents, bytes: documents * 10, sum: sum.padStart(32, '0') };
  return { name, type: 'collection', options: '{}', indexes: [], documents, digest, ...more };
}

function census(...collections: readonly CollectionCensus[]): Census {
  return { database: 'shop', takenAt: '2026-01-01T00:00:00.000Z', collections };
}

const unknown: Attribution = { known: false, why: 'a standalone server keeps no oplog' };

interface Situation {
  readonly backup?: Census | undefined;
  readonly extent?: Extent;
  readonly attribution?: Attribution;
}

function plan(point: Census, now: Census, situation: Situation = {}): RestorePlan {
  const { extent = 'differing', attribution = unknown } = situation;
  const backup = 'backup' in situation ? situation.backup : point;
  return planRestore({ point: { database: 'shop', census: point }, now, backup, extent, attribution });
}

const steps = ({ steps: all }: RestorePlan): readonly string[] => all.map(({ kind, collection: name }) => `${kind} ${name}`);

describe('planning a rollback', () => {
  const point = census(collection('orders', 'a', 3), collection('users', 'b', 2));

  test('finds nothing to do in an equal database, even without a backup and for a full restore', () => {
    for (const extent of ['differing', 'everything'] as const) {
      expect(plan(point, point, { backup: census(), extent })).toMatchObject({ steps: [], conflicts: [], differences: [] });
    }
  });

  test('restores what differs, leaves the rest alone, and drops what was not there', () => {
    const now = census(collection('created', 'c', 7), collection('orders', 'x', 2), collection('users', 'b', 2));
    const found = plan(point, now);
    expect(found).toMatchObject({ conflicts: [], expected: point, losses: [], kept: [] });
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
    expect(plan(point, now, { extent: 'everything' }).steps).toMatchObject([
      { kind: 'restore', collection: 'orders' },
      { kind: 'restore', collection: 'users', why: 'everything is restored' },
    ]);
  });

  test('only needs no backup for what is dropped', () => {
    const found = plan(point, census(collection('created'), ...point.collections), { backup: census() });
    expect(found).toMatchObject({ conflicts: [], steps: [{ kind: 'drop', collection: 'created' }] });
  });

  describe('when the backup is not what the point says', () => {
    const now = census(collection('orders', 'x', 2), collection('users', 'b', 2));

    test('names the collection and expects what the backup holds', () => {
      const held = collection('orders', 'e', 4);
      const found = plan(point, now, { backup: census(held, collection('users', 'b', 2)) });
      expect(found.conflicts).toEqual([{ collection: 'orders', why: 'its documents 3 → 4 in the backup', restorable: true }]);
      expect(found.expected.collections[0]).toEqual(held);
      expect(found.steps).toMatchObject([{ collection: 'orders', documents: 4 }]);
    });

    test('says so when it does not hold the collection, or when there is none', () => {
      const missing = [{ collection: 'orders', why: 'it is not in the backup', restorable: false }];
      expect(plan(point, now, { backup: census(collection('users', 'b', 2)) }).conflicts).toEqual(missing);
      expect(plan(point, now, { backup: undefined }).conflicts).toEqual(missing);
    });

    test('does not care about collections that are not touched', () => {
      expect(plan(point, now, { backup: census(collection('orders', 'a', 3), collection('users', 'zz', 9)) }).conflicts).toEqual([]);
    });

    test('takes the contents of a collection that was written during the backup as they will be proven', () => {
      const { digest: _, ...held } = collection('orders', 'e', 4);
      expect(plan(point, now, { backup: census(held, collection('users', 'b', 2)) }).conflicts).toEqual([]);
    });

    test('has nothing left to do where the database holds what the backup holds', () => {
      const held = census(collection('orders', 'e', 4), collection('users', 'b', 2));
      expect(plan(point, held, { backup: held })).toMatchObject({ steps: [], conflicts: [{ collection: 'orders' }] });
    });
  });

  describe('when others wrote since the point', () => {
    const now = census(collection('orders', 'x', 2), collection('theirs', 'c', 1), collection('users', 'y', 5));
    const others = new Map([
      ['orders', 4],
      ['theirs', 2],
      ['users', 3],
    ]);
    const attribution: Attribution = {
      known: true,
      touched: new Set(['orders']),
      others,
      uncertain: new Map([['orders', 1]]),
      replaced: new Map(),
    };

    test('keeps what only they wrote, new collections too, and says what a restore would lose', () => {
      const found = plan(point, now, { attribution });
      expect(steps(found)).toEqual(['restore orders']);
      expect(found.kept).toEqual([
        { collection: 'theirs', writes: 2 },
        { collection: 'users', writes: 3 },
      ]);
      expect(found.losses).toEqual([
        { collection: 'orders', writes: 4, certain: true },
        { collection: 'orders', writes: 1, certain: false },
      ]);
      expect(found.expected.collections.map(({ name }) => name)).toEqual(['orders']);
    });

    test('a restore of everything loses them too, but not their new collections', () => {
      const found = plan(point, now, { attribution, extent: 'everything' });
      expect(steps(found)).toEqual(['restore orders', 'restore users']);
      expect(found.kept).toEqual([{ collection: 'theirs', writes: 2 }]);
      expect(found.losses).toContainEqual({ collection: 'users', writes: 3, certain: true });
    });

    test('restores what differs for no reason that is known', () => {
      const silent: Attribution = { known: true, touched: new Set(), others: new Map(), uncertain: new Map(), replaced: new Map() };
      expect(steps(plan(point, now, { attribution: silent }))).toEqual(['restore orders', 'restore users', 'drop theirs']);
    });

    test('has nothing to do where nothing but their writes differs', () => {
      const theirs: Attribution = { ...attribution, touched: new Set() };
      for (const extent of ['differing', 'everything'] as const) {
        const left = census(collection('theirs', 'c', 1), ...point.collections);
        expect(plan(point, left, { attribution: theirs, extent }).steps).toEqual([]);
      }
    });
  });
});
