import { describe, expect, test } from '@jest/globals';
import type { Document } from 'mongodb';
import { judgeAdded, type Visits } from './traffic.ts';

const visits: Visits = { confirmed: [{ userId: 'u1', orderId: 'o1', total: '12.50' }], turnedAway: 3 };
const user = { _id: 'u1', name: 'Customer 1' };
const order = { _id: 'o1', userId: 'u1', total: 1_250 };

function judge(users: readonly Document[], deliveryorders: readonly Document[]): readonly string[] {
  const added = Object.entries({ users, deliveryorders }).map(
    ([name, documents]) => [name, documents.map((document) => ({ hash: '', document }))] as const,
  );
  return judgeAdded(new Map(added), visits);
}

describe('what customers wrote', () => {
  test('is right when everything that was confirmed is there; more of theirs, and of the smoke test, may be', () => {
    const more = { _id: 'u2', name: 'Smoke Test' };
    expect(judge([user, more], [order, { _id: 'o2', userId: 'u2', total: 1 }])).toEqual([]);
  });

  test.each<[string, readonly Document[], readonly Document[], string]>([
    ['a lost order', [user], [], '1 orders that were confirmed to customers are lost or changed'],
    ['a changed order', [user], [{ ...order, total: 1_300 }], '1 orders that were confirmed to customers are lost or changed'],
    ['a document of nobody', [user], [order, { _id: 'o2', userId: 'u9' }], 'deliveryorders holds 1 documents that no customer wrote'],
  ])('finds %s', (_, users, orders, difference) => {
    expect(judge(users, orders)).toEqual([difference]);
  });
});
