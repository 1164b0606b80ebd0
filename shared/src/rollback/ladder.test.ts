import { describe, expect, test } from '@jest/globals';
import { GuardError } from '../errors/guard-error.ts';
import { silentLog } from '../log/log.ts';
import { climb, rungsFor, type ClimbOptions, type Fitting, type Passed, type Prepared, type Rung, type RungName } from './ladder.ts';

const difference = { collection: 'orders', what: 'digest', before: 'a', after: 'b' } as const;
const lostConnection = (): GuardError => new GuardError('server/interrupted', 'The primary changed.');

interface Ladder {
  readonly log: string[];
  readonly rung: (name: RungName, prepared: Partial<Fitting> | Prepared) => Rung;
}

/** Rungs that write down what is done with them. */
function ladder(): Ladder {
  const log: string[] = [];
  return {
    log,
    rung: (name, changes) => ({
      name,
      prepare: async () => {
        if (changes.fits === false) return changes;
        const fitting: Fitting = {
          fits: true,
          why: '',
          steps: [],
          milliseconds: undefined,
          losses: [],
          refusal: undefined,
          repeatable: true,
          carryOut: async () => undefined,
          prove: async () => [],
          end: () => ({ proof: 'equal', lost: [], kept: [] }),
          ...(changes as Partial<Fitting>),
        };
        return { ...fitting, carryOut: () => (log.push(name), fitting.carryOut()) };
      },
    }),
  };
}

function options(more: Partial<ClimbOptions> = {}): ClimbOptions {
  return { onBegin: async () => undefined, log: silentLog, signal: new AbortController().signal, ...more };
}

describe('climbing the ladder', () => {
  test('ends at the first rung that is proven', async () => {
    const { rung, log } = ladder();
    const reached = await climb([rung('undo', {}), rung('down', {})], options());
    expect(reached).toMatchObject({ rung: 'undo', passed: [] });
    expect(log).toEqual(['undo']);
  });

  test('passes rungs by that do not fit, that fail and that are not proven, and says why', async () => {
    const { rung, log } = ladder();
    const begun: string[] = [];
    const told: Passed[] = [];
    const failing = async (): Promise<never> => Promise.reject(new GuardError('migration/failed', 'down of 2.js failed.'));
    const reached = await climb(
      [
        rung('undo', { fits: false, why: 'nothing was recorded' }),
        rung('down', { carryOut: failing }),
        rung('restore-collections', { prove: async () => [difference] }),
        rung('restore', {}),
      ],
      options({ onBegin: async (name) => void begun.push(name), onPassed: (passed) => told.push(passed) }),
    );
    expect(reached.rung).toBe('restore');
    expect(begun).toEqual(['down', 'restore-collections', 'restore']);
    expect(log).toEqual(begun);
    expect(reached.passed.map(({ rung: name, why }) => `${name}: ${why}`)).toEqual([
      'undo: nothing was recorded',
      'down: it failed (migration/failed): down of 2.js failed',
      'restore-collections: its result is not proven: digest of orders differ',
    ]);
    expect(told).toEqual(reached.passed);
  });

  test('ends with what made the last rung fail', async () => {
    const { rung } = ladder();
    const unproven = climb([rung('restore', { prove: async () => [difference, difference] })], options());
    await expect(unproven).rejects.toMatchObject({ code: 'rollback/not-proven', message: expect.stringContaining('orders and 1 more') });
    const unfit = [rung('undo', { fits: false, why: 'no record' }), rung('down', { fits: false, why: 'no folder' })];
    await expect(climb(unfit, options())).rejects.toMatchObject({
      code: 'rollback/no-way',
      message: 'No rung leads back. undo: no record; down: no folder.',
    });
    const down = new GuardError('store/unreachable', 'The store is down.');
    await expect(climb([rung('restore', { fits: false, why: 'x', error: down })], options())).rejects.toBe(down);
  });

  test('refuses before anything is written; after a rung that failed its failure counts', async () => {
    const { rung, log } = ladder();
    const refusal = new GuardError('rollback/later-writes', 'The application wrote.');
    await expect(climb([rung('restore', { refusal })], options())).rejects.toBe(refusal);
    expect(log).toEqual([]);
    const told: string[] = [];
    const failed = climb([rung('down', { prove: async () => [difference] }), rung('restore', { refusal })], {
      ...options(),
      onPassed: ({ rung: name, why }) => told.push(`${name}: ${why}`),
    });
    await expect(failed).rejects.toMatchObject({ code: 'rollback/not-proven' });
    expect(told[1]).toBe('restore: it is refused (rollback/later-writes): The application wrote');
  });

  test('never passes conflicts by', async () => {
    const { rung, log } = ladder();
    const conflicts = new GuardError('rollback/conflicts', 'Both wrote.');
    await expect(climb([rung('undo', { carryOut: () => Promise.reject(conflicts) }), rung('restore', {})], options())).rejects.toBe(
      conflicts,
    );
    expect(log).toEqual(['undo']);
  });

  test('does a repeatable rung again after a change of the primary, three times at most', async () => {
    const { rung, log } = ladder();
    const failures = [lostConnection(), lostConnection()];
    const carryOut = async (): Promise<void> => {
      const failure = failures.pop();
      if (failure !== undefined) throw failure;
    };
    expect((await climb([rung('undo', { carryOut })], options())).rung).toBe('undo');
    expect(log).toEqual(['undo', 'undo', 'undo']);
    const always = [rung('undo', { carryOut: () => Promise.reject(lostConnection()) }), rung('restore', {})];
    expect((await climb(always, options())).rung).toBe('restore');
  });

  test('never does a rung twice that cannot be repeated, but its proof', async () => {
    const { rung, log } = ladder();
    const proofs = [lostConnection()];
    const prove = async (): Promise<[]> => {
      const failure = proofs.pop();
      if (failure !== undefined) throw failure;
      return [];
    };
    expect((await climb([rung('down', { repeatable: false, prove })], options())).rung).toBe('down');
    expect(log).toEqual(['down']);
    const broken = [rung('down', { repeatable: false, carryOut: () => Promise.reject(lostConnection()) }), rung('restore', {})];
    expect((await climb(broken, options())).passed).toMatchObject([{ rung: 'down', error: { code: 'server/interrupted' } }]);
    expect(log).toEqual(['down', 'down', 'restore']);
  });

  test('tries nothing more after a cancel', async () => {
    const { rung, log } = ladder();
    const cancel = new AbortController();
    const cancelled = async (): Promise<never> => {
      cancel.abort(new Error('cancelled'));
      throw lostConnection();
    };
    await expect(climb([rung('undo', { carryOut: cancelled }), rung('restore', {})], options({ signal: cancel.signal }))).rejects.toThrow(
      'cancelled',
    );
    expect(log).toEqual(['undo']);
  });

  test('begins where the strategy says', () => {
    expect(rungsFor('auto')).toEqual(['undo', 'down', 'restore-collections', 'restore']);
    expect(rungsFor('down')).toEqual(['down', 'restore-collections', 'restore']);
    expect(rungsFor('restore')).toEqual(['restore']);
  });
});
