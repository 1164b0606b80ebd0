import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { startHttpService } from '@migration-guard/shared/testing/http-service';
import { startMailServer } from '@migration-guard/shared/testing/mail-server';
import { differingCollections } from '@migration-guard/shared/testing/truth';
import { changeNothing, held, migrateBadly, openShop, passedBy, raiseTotals, stageOf, type Shop } from './fixture.ts';

const lower = `await db.collection('orders').updateMany({}, { $inc: { total: -1 } });`;

async function journalOf(shop: Shop): Promise<readonly string[]> {
  const entries = await shop.db.collection('migration_journal').find({ file: '2.js' }).sort({ fence: 1, step: 1 }).toArray();
  return entries.map(({ state, rung }) => (rung === undefined ? String(state) : `${state} ${rung}`));
}

async function openMarkedShop(): Promise<Shop> {
  const shop = await openShop();
  await shop.mark(await shop.backUp());
  return shop;
}

describe('the rung down', () => {
  test('runs the files back, takes them out of the history and is proven', async () => {
    await using shop = await openMarkedShop();
    const before = await shop.truth();
    await raiseTotals(shop, lower);
    const plan = await shop.rollback('plan');
    expect(plan).toMatchObject({ exitCode: 0, outputs: { rung: 'down', proof: 'none' } });
    const ladder = (await stageOf(plan)).tables.find(({ title }) => title === 'Ladder')?.rows.map(([rung, taken]) => `${rung}: ${taken}`);
    expect(ladder).toEqual(['undo: no', 'down: yes', 'restore-collections: if those before fail', 'restore: if those before fail']);
    expect(await shop.rollback('apply')).toMatchObject({ exitCode: 0, outputs: { rung: 'down', proof: 'equal' } });
    expect(differingCollections(before, await shop.truth())).toEqual([]);
    expect(await journalOf(shop)).toEqual(['STARTED', 'APPLIED', 'ROLLING_BACK down', 'STARTED', 'ROLLED_BACK', 'ROLLED_BACK down']);
    expect(await shop.rollback('apply')).toMatchObject({ exitCode: 0, outputs: { rung: 'none', proof: 'equal' } });
  });

  test.each([
    [
      'that lies is found by the digest',
      `await db.collection('orders').updateMany({ _id: { $lt: 80 } }, { $inc: { total: -1 } });`,
      'not proven',
    ],
    ['that throws is passed by', `${lower} throw new Error('no way back');`, 'migration/failed'],
    ['that damages what its up had not touched is found', `${lower} await db.collection('users').drop();`, 'not proven'],
    ['that is missing is passed by', undefined, 'has no down'],
  ])('%s, and the next rung repairs it', async (_, down, why) => {
    await using shop = await openMarkedShop();
    const before = await shop.truth();
    await raiseTotals(shop, down);
    const apply = await shop.rollback('apply');
    expect(apply).toMatchObject({ exitCode: 0, outputs: { rung: 'restore-collections', proof: 'equal' } });
    expect(differingCollections(before, await shop.truth())).toEqual([]);
    expect((await passedBy(apply)).join('\n')).toContain(why);
    expect((await journalOf(shop)).at(-1)).toBe('ROLLED_BACK restore-collections');
  });

  test('that damages data although its up had changed none is found, and the next rung repairs it', async () => {
    await using shop = await openMarkedShop();
    const before = await shop.truth();
    await changeNothing(shop, `await db.collection('users').deleteMany({});`);
    const apply = await shop.rollback('apply');
    expect(apply).toMatchObject({ exitCode: 0, outputs: { rung: 'restore-collections', proof: 'equal' } });
    expect((await passedBy(apply)).join('\n')).toContain('not proven');
    expect(differingCollections(before, await shop.truth())).toEqual([]);
  });

  test('is not taken for a file that was changed, nor without a backup that could repair it, unless it is asked for', async () => {
    await using shop = await openShop();
    await shop.mark(undefined);
    const before = await shop.truth();
    await raiseTotals(shop, lower);
    const refused = await shop.rollback('apply');
    expect(refused).toMatchObject({ exitCode: 1, annotations: [{ message: expect.stringContaining('rollback/no-backup') }] });
    const file = path.join(shop.job.workspace, 'migrations', '2.js');
    const source = await readFile(file, 'utf8');
    await writeFile(file, `${source}// edited\n`);
    const edited = await shop.rollback('apply', { strategy: 'down' });
    expect(edited).toMatchObject({ exitCode: 1, outputs: { rung: 'none', proof: 'none' } });
    expect(edited.annotations[0]?.message).toContain('rollback/no-backup');
    await writeFile(file, source);
    expect(await shop.rollback('apply', { strategy: 'down' })).toMatchObject({ exitCode: 0, outputs: { rung: 'down', proof: 'equal' } });
    expect(differingCollections(before, await shop.truth())).toEqual([]);
  });
});

describe('what others wrote since the rollback point', () => {
  test('is kept where the migrations were not', async () => {
    await using shop = await openMarkedShop();
    const before = await shop.truth();
    await raiseTotals(shop, undefined);
    await shop.db.collection('untouched').insertOne({ by: 'the application' });
    await shop.db.collection('theirs').insertOne({ by: 'the application' });
    const apply = await shop.rollback('apply');
    expect(apply).toMatchObject({
      exitCode: 0,
      outputs: { rung: 'restore-collections', proof: 'equal-with-later-writes', conflicts: '[]' },
    });
    expect((await stageOf(apply)).reason).toContain('kept: theirs (2 writes), untouched (1 writes)');
    expect(differingCollections(before, await shop.truth())).toEqual(['theirs', 'untouched']);
    expect(await shop.db.collection('untouched').countDocuments()).toBe(2);
    expect(await shop.rollback('apply')).toMatchObject({ exitCode: 0, outputs: { rung: 'none', proof: 'equal-with-later-writes' } });
  });

  test('is counted before a restore would lose it, and lost only when that is allowed', async () => {
    await using shop = await openMarkedShop();
    const before = await shop.truth();
    await raiseTotals(shop, lower);
    await shop.db.collection('orders').updateMany({ total: { $lt: 4 } }, { $set: { by: 'the application' } });
    const written = await shop.truth();
    const refused = await shop.rollback('apply');
    expect(refused).toMatchObject({ exitCode: 1, outputs: { proof: 'none', conflicts: '["orders"]' } });
    expect(refused.annotations[0]?.message).toContain('rollback/later-writes');
    expect(differingCollections(written, await shop.truth())).toEqual([]);
    const plan = await shop.rollback('plan', { conflicts: 'revert' });
    expect((await stageOf(plan)).findings.map(({ message }) => message).join()).toContain(
      '3 writes of others to orders since the rollback point',
    );
    const apply = await shop.rollback('apply', { conflicts: 'revert' });
    expect(apply).toMatchObject({ exitCode: 0, outputs: { result: 'warned', proof: 'equal' } });
    expect((await stageOf(apply)).reason).toContain('lost are 3 writes of others to orders');
    expect(differingCollections(before, await shop.truth())).toEqual([]);
  });
});

describe('when a rollback fails', () => {
  test('fault 57: with the store down people are called, with the steps to do by hand, and nothing is changed', async () => {
    await using shop = await openMarkedShop();
    await using slack = await startHttpService((_, response) => response.writeHead(200).end('ok'));
    await using mail = await startMailServer({ disabledCommands: ['STARTTLS'] });
    await migrateBadly(shop.db);
    const bad = await shop.truth();
    await rm(shop.store, { recursive: true });
    await writeFile(
      path.join(shop.job.workspace, 'guard.yml'),
      'rollback:\n  contacts: [{ name: Ada, reach: "+49 30 1234", slack: U012AB3CD }]\n',
    );
    const failed = await shop.rollback('apply', {
      config: 'guard.yml',
      'slack-webhook': `${slack.url}/hook`,
      'smtp-url': `smtp://127.0.0.1:${mail.port}`,
      'email-to': 'on-call@example.org',
    });
    expect(failed).toMatchObject({ exitCode: 1, outputs: { proof: 'none', result: 'failed' } });
    expect(failed.annotations[0]?.message).toMatch(
      /backup\/not-found.*Nothing was changed in .*Call Ada \(\+49 30 1234\)\. \(1\) Stop the application/s,
    );
    const [told] = slack.received.map(({ body }) => body);
    expect(told).toMatch(/Rollback failed.*There is no backup.*Nothing was changed by the rollback.*Call Ada.*<@U012AB3CD>/s);
    expect(mail.received).toMatchObject([{ to: ['on-call@example.org'], mail: { subject: expect.stringContaining('Rollback failed') } }]);
    expect(mail.received[0]?.mail.text).toMatch(/Next step:\n +Call Ada/);
    expect(differingCollections(bad, await shop.truth())).toEqual([]);
    expect(await shop.db.collection('migration_lock').countDocuments(held)).toBe(0);
  });

  test('on its way, the lock is kept with the reason until a rollback has ended well', async () => {
    await using shop = await openMarkedShop();
    const before = await shop.truth();
    await raiseTotals(shop, `throw new Error('no');`);
    await rm(path.join(shop.store), { recursive: true });
    const failed = await shop.rollback('apply', { strategy: 'down' });
    expect(failed).toMatchObject({ exitCode: 1, outputs: { proof: 'failed' } });
    expect(await shop.db.collection('migration_lock').findOne(held)).toMatchObject({ reason: expect.stringContaining('failed half-way') });
    expect((await journalOf(shop)).at(-1)).toBe('ROLLBACK_FAILED');
    await shop.mark(await shop.backUp());
    expect(await shop.rollback('apply')).toMatchObject({ exitCode: 0, outputs: { rung: 'none' } });
    expect(await shop.db.collection('migration_lock').countDocuments(held)).toBe(0);
    expect(differingCollections(before, await shop.truth())).toEqual(['changelog', 'orders']);
  });
});

test('the maintenance flag is up while the application is stopped, and down at the end', async () => {
  await using shop = await openMarkedShop();
  await migrateBadly(shop.db);
  await writeFile(path.join(shop.job.workspace, 'guard.yml'), 'rollback: { maintenance: true }\n');
  const flags: unknown[] = [];
  const look = async (): Promise<void> => {
    flags.push((await shop.db.collection('migration_maintenance').findOne({}))?.['on']);
  };
  let looked: Promise<void> | undefined;
  const apply = await shop.rollback(
    'apply',
    { config: 'guard.yml' },
    { onOutput: (text) => void (text.includes('Restoring') && (looked ??= look())) },
  );
  await looked;
  await look();
  expect(apply).toMatchObject({ exitCode: 0, outputs: { proof: 'equal' } });
  expect(flags).toEqual([true, false]);
});
