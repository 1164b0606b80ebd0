import type { ChildProcess } from 'node:child_process';
import { setTimeout } from 'node:timers/promises';
import { expect } from '@jest/globals';
import type { StepResult } from '@migration-guard/shared/testing/action-runner';
import type { Db } from 'mongodb';
import { migrate, migrateBadly, openShop, raiseTotals, type Shop, type ShopOptions } from './fixture.ts';

/** A rung of the ladder, and how to see that it is in the middle of its work. */
export interface Rung {
  readonly name: string;
  readonly fill?: (db: Db) => Promise<void>;
  /** Writes what is to be rolled back. */
  readonly spoil: (shop: Shop) => Promise<unknown>;
  readonly inputs: Readonly<Record<string, string>>;
  /** What the log says then, or what the database shows. */
  readonly middle: string | ((shop: Shop) => Promise<boolean>);
}

const many = 20_000;

async function fillManyOrders(db: Db): Promise<void> {
  const orders = Array.from({ length: many }, (_, _id) => ({ _id, status: 'open', note: 'x'.repeat(100) }));
  await db.collection<{ _id: number }>('orders').insertMany(orders);
  await db.createCollection('changelog');
}

/** Lowers half of the totals, and the rest under a new primary. */
const slowDown = `
  const orders = db.collection('orders');
  const term = async () => (await db.admin().command({ replSetGetStatus: 1 })).term;
  const begun = await term();
  await orders.updateMany({ _id: { $lt: 45 } }, { $inc: { total: -1 } });
  console.log('half-way');
  while ((await term().catch(() => begun)) === begun) await new Promise((done) => setTimeout(done, 20));
  await orders.updateMany({ _id: { $gte: 45 } }, { $inc: { total: -1 } });
`;

/** The rungs, each with something that it has to roll back. */
export const rungs: readonly Rung[] = [
  {
    name: 'undo',
    fill: fillManyOrders,
    spoil: (shop) => migrate(shop, `await db.collection('orders').updateMany({}, { $set: { status: 'archived' } });`),
    inputs: { 'rollback-point': 'latest' },
    middle: async ({ db }) => (await db.collection('orders').countDocuments({ status: 'open' })) > 0,
  },
  { name: 'down', spoil: (shop) => raiseTotals(shop, slowDown), inputs: {}, middle: 'half-way' },
  { name: 'restore-collections', spoil: ({ db }) => migrateBadly(db), inputs: {}, middle: 'Restoring ' },
  { name: 'restore', spoil: ({ db }) => migrateBadly(db), inputs: { strategy: 'restore' }, middle: 'Restoring ' },
];

export interface Scene {
  readonly shop: Shop;
  readonly before: Awaited<ReturnType<Shop['truth']>>;
}

/** A shop of which the rung is the way back. */
export async function spoiledShop({ fill, spoil }: Rung, options: ShopOptions = {}): Promise<Scene> {
  const shop = await openShop({ ...options, ...(fill === undefined ? {} : { fill }) });
  await shop.mark(await shop.backUp());
  const before = await shop.truth();
  await spoil(shop);
  return { shop, before };
}

/** Rolls back, and does something to the run, once, in the middle of the rung. */
export async function rollBackDisturbed(
  shop: Shop,
  { inputs, middle }: Rung,
  disturb: (child: ChildProcess | undefined) => unknown,
): Promise<StepResult> {
  const ended = new AbortController();
  let child: ChildProcess | undefined;
  let disturbed: unknown;
  const look = async (): Promise<void> => {
    if (typeof middle === 'string') return;
    while (!ended.signal.aborted && !(await middle(shop))) await setTimeout(2);
    if (!ended.signal.aborted) disturbed ??= disturb(child) ?? true;
  };
  const looking = look();
  const result = await shop.rollback('apply', inputs, {
    onStart: (started) => (child = started),
    onOutput: (text) => {
      if (typeof middle === 'string' && text.includes(middle)) disturbed ??= disturb(child) ?? true;
    },
  });
  ended.abort();
  await looking;
  await disturbed;
  expect(disturbed).toBeDefined();
  return result;
}
