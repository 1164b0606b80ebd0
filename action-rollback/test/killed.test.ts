import { describe, expect, test } from '@jest/globals';
import { differingCollections } from '@migration-guard/shared/testing/truth';
import { endLease, held, passedBy } from './fixture.ts';
import { rollBackDisturbed, rungs, spoiledShop } from './rungs.ts';

describe('a rollback that is killed', () => {
  test.each(rungs)('in the middle of $name is finished by the next run', async (rung) => {
    const { shop, before } = await spoiledShop(rung);
    await using _shop = shop;
    const killed = await rollBackDisturbed(shop, rung, (child) => child?.kill('SIGKILL'));
    expect(killed.signal).toBe('SIGKILL');
    expect(differingCollections(before, await shop.truth())).not.toEqual([]);
    await endLease(shop);
    const again = await shop.rollback('apply', rung.inputs);
    const next = rung.name === 'down' ? 'restore-collections' : rung.name;
    expect(again).toMatchObject({ exitCode: 0, outputs: { rung: next, proof: 'equal' } });
    if (rung.name === 'down') expect((await passedBy(again)).join()).toContain('an earlier rollback ended in the middle of it');
    expect(differingCollections(before, await shop.truth())).toEqual([]);
    expect((await shop.db.listCollections().toArray()).filter(({ name }) => name.startsWith('migration_restore_'))).toEqual([]);
    expect(await shop.db.collection('migration_lock').countDocuments(held)).toBe(0);
    expect(await shop.rollback('apply', rung.inputs)).toMatchObject({ exitCode: 0, outputs: { rung: 'none', proof: 'equal' } });
  });
});
