import { describe, expect, test } from '@jest/globals';
import { sharedUri } from '@migration-guard/shared/testing/mongod';
import { startWireProxy } from '@migration-guard/shared/testing/wire-proxy';
import { openFixture } from './fixture.ts';
import { around, files, inTransaction, killAt, kinds, labelOf, plain, totals, undisturbed, writing } from './kill-scene.ts';

describe('a run that is killed -9', () => {
  test.each([
    ['none', plain],
    ['per-file', inTransaction],
  ])('can be killed at no other write than these, transaction %s', async (transaction, boundaries) => {
    await using fixture = await openFixture(files);
    const seen = new Set<string>();
    await using proxy = await startWireProxy(sharedUri(), (message) => {
      const label = labelOf(message);
      if (writing.test(label)) seen.add(label);
    });
    expect((await fixture.migrate('apply', { uri: proxy.uri, transaction })).exitCode).toBe(0);
    // The heartbeat of the lock changes nothing that anybody reads.
    seen.delete('update migration_lock');
    const known = new Set([...plain, ...boundaries, ...around]);
    expect([...seen].filter((label) => !known.has(label))).toEqual([]);
    expect([...boundaries, ...around].filter((label) => !seen.has(label))).toEqual([]);
  });

  test.each(plain.flatMap((boundary) => kinds.map((kind) => [boundary, kind] as const)))('at %s (%s)', async (boundary, kind) => {
    await killAt({ boundary, kind, transaction: 'none' });
  });

  test.each(around)('at %s (reply)', async (boundary) => {
    await killAt({ boundary, kind: 'reply', transaction: 'none' });
  });
});

test('ten runners at once, each command and each reply late by its own time: each file is applied exactly once', async () => {
  await using fixture = await openFixture(files);
  // Linear congruential: the same times in each run of this test.
  let seed = 7;
  const late = (): number => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) % 12;
  await using proxy = await startWireProxy(sharedUri(), () => new Promise((resolve) => setTimeout(resolve, late())));
  const inputs = { uri: proxy.uri, 'lock-wait': '120s' };
  const steps = await Promise.all(Array.from({ length: 10 }, () => fixture.migrate('apply', inputs)));
  expect(steps.map(({ exitCode }) => exitCode)).toEqual(steps.map(() => 0));
  const applied = steps.flatMap(({ outputs }) => JSON.parse(outputs['applied'] ?? '') as string[]);
  expect(applied.sort()).toEqual(['1.mjs', '2.mjs']);
  expect(await totals(fixture.db)).toEqual(undisturbed);
  expect(await fixture.db.collection('changelog').countDocuments()).toBe(2);
});
