import type { ChildProcess } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import { differingCollections } from '@migration-guard/shared/testing/truth';
import { endLease, migrate, openShop, stageOf } from './fixture.ts';

/** What the migration does, one step after the other. */
const steps = [
  `await db.collection('orders').updateMany({ _id: { $lt: 60 } }, { $inc: { total: 5 }, $unset: { status: '' } });`,
  `await db.collection('orders').deleteMany({ _id: { $mod: [7, 0] } });`,
  `await db.collection('orders').insertMany([{ _id: 1000, total: 1 }, { _id: 1001, total: 2 }]);`,
  `await db.collection('orders').createIndex({ total: 1 });`,
  `await db.createCollection('added'); await db.collection('added').insertOne({ by: 'the migration' });`,
  `await db.command({ collMod: 'users', validator: {} });`,
];

const latest = { 'rollback-point': 'latest' };

describe('the rung undo, after the real action-migrate', () => {
  test.each(steps.map((_, index) => index + 1))(
    'fault 54: a migration that fails at step %i is undone to what a full restore gives',
    async (failing) => {
      await using shop = await openShop();
      await shop.backUp();
      const before = await shop.truth();
      const failed = await migrate(shop, [...steps.slice(0, failing), `throw new Error('step ${failing}');`].join('\n'));
      expect(failed.exitCode).toBe(1);
      expect(differingCollections(before, await shop.truth())).not.toEqual([]);
      const apply = await shop.rollback('apply', latest);
      expect(apply).toMatchObject({ exitCode: 0, outputs: { rung: 'undo', proof: 'equal' } });
      expect(differingCollections(before, await shop.truth())).toEqual([]);
      const again = await shop.rollback('apply', latest);
      expect(again).toMatchObject({ exitCode: 0, outputs: { rung: 'none', proof: 'equal' } });
    },
  );

  test('fault 55: an undo that is killed on its way is finished by the next run', async () => {
    await using shop = await openShop();
    await shop.backUp();
    const before = await shop.truth();
    expect(await migrate(shop, steps.join('\n'))).toMatchObject({ exitCode: 0 });
    for (const moment of ['Rung undo', 'Proving the result of undo']) {
      let child: ChildProcess | undefined;
      const killed = await shop.rollback('apply', latest, {
        onStart: (started) => (child = started),
        onOutput: (text) => text.includes(moment) && child?.kill('SIGKILL'),
      });
      expect(killed.signal).toBe('SIGKILL');
      await endLease(shop);
    }
    expect(await shop.rollback('apply', latest)).toMatchObject({ exitCode: 0, outputs: { rung: 'undo', proof: 'equal' } });
    expect(differingCollections(before, await shop.truth())).toEqual([]);
  });

  test('fault 56: writes of the application after the migration are kept, in untouched collections and in touched ones', async () => {
    await using shop = await openShop();
    await shop.backUp();
    const before = await shop.truth();
    expect(await migrate(shop, steps.join('\n'))).toMatchObject({ exitCode: 0 });
    await shop.db.collection('untouched').insertOne({ by: 'the application' });
    await shop.db.collection<{ _id: number }>('orders').updateOne({ _id: 80 }, { $set: { by: 'the application' } });
    const apply = await shop.rollback('apply', latest);
    expect(apply).toMatchObject({ exitCode: 0, outputs: { rung: 'undo', proof: 'equal-with-later-writes', conflicts: '[]' } });
    expect(differingCollections(before, await shop.truth())).toEqual(['orders', 'untouched']);
    expect(await shop.db.collection('untouched').countDocuments()).toBe(2);
    expect(await shop.db.collection<{ _id: number }>('orders').findOne({ _id: 80 })).toEqual({
      _id: 80,
      total: 80,
      status: 'open',
      by: 'the application',
    });
    expect((await stageOf(apply)).reason).toContain('untouched (1 writes)');
    await shop.db.collection('orders').insertOne({ by: 'the application, after the rollback' });
    const again = await shop.rollback('apply', latest);
    expect(again).toMatchObject({ exitCode: 0, outputs: { rung: 'none', proof: 'equal-with-later-writes', 'proof-extent': 'whole' } });
    expect((await stageOf(again)).reason).toContain('There is nothing to roll back');
  });

  test('a field that both changed refuses the rollback, before anything is written', async () => {
    await using shop = await openShop();
    await shop.backUp();
    expect(await migrate(shop, steps[0] ?? '')).toMatchObject({ exitCode: 0 });
    await shop.db.collection<{ _id: number }>('orders').updateOne({ _id: 5 }, { $set: { total: -1 } });
    const written = await shop.truth();
    const refused = await shop.rollback('apply', latest);
    expect(refused).toMatchObject({ exitCode: 1, outputs: { proof: 'none' } });
    expect(refused.annotations[0]?.message).toContain('rollback/conflicts');
    expect(differingCollections(written, await shop.truth())).toEqual([]);
    expect(await shop.rollback('apply', { ...latest, conflicts: 'keep' })).toMatchObject({ exitCode: 0, outputs: { rung: 'undo' } });
    expect(await shop.db.collection<{ _id: number }>('orders').findOne({ _id: 5 })).toMatchObject({ total: -1, status: 'open' });
  });
});
