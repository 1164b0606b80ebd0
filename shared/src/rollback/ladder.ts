import type { CensusDifference } from '../checks/compare-census.ts';
import { GuardError, toError } from '../errors/guard-error.ts';
import { isRetryable } from '../errors/mongo-errors.ts';
import type { Log } from '../log/log.ts';

/** The rungs of the ladder, the cheapest first. */
export const rungNames = ['undo', 'down', 'restore-collections', 'restore'] as const;
export type RungName = (typeof rungNames)[number];
/** `auto` begins at the cheapest rung that fits; a rung by name begins there. Either climbs on when a proof fails. */
export const strategies = ['auto', ...rungNames] as const;
export type Strategy = (typeof strategies)[number];

/** What a rung would do; or why it does not fit. */
export type Prepared =
  | { readonly fits: false; readonly why: string; readonly error?: GuardError | undefined }
  | {
      readonly fits: true;
      readonly why: string;
      readonly steps: readonly RungStep[];
      /** About how long it takes with its proof, milliseconds; `undefined` when nobody can tell. */
      readonly milliseconds: number | undefined;
      /** What could be lost, a sentence each without full stop. */
      readonly losses: readonly string[];
      /** Why it may not be done as the inputs are. */
      readonly refusal: GuardError | undefined;
      /** Whether it can be done again after it was cut off. */
      readonly repeatable: boolean;
      carryOut(): Promise<void>;
      /** Reads the database again; nothing when it is proven. */
      prove(): Promise<readonly CensusDifference[]>;
      /** What a proven result is. Asked for after the proof. */
      end(): End;
    };
export type Fitting = Extract<Prepared, { fits: true }>;

export interface End {
  /** The database equals the rollback point; it does apart from later writes of others; or it equals the backup where that differs. */
  readonly proof: 'equal' | 'equal-with-later-writes' | 'equal-to-backup';
  /** What was lost, a few words each. */
  readonly lost: readonly string[];
  /** Collections with later writes of others, which are kept. */
  readonly kept: readonly { readonly collection: string; readonly writes: number }[];
  /** How much the proof has read; `undefined`: every document. */
  readonly compared?: Compared | undefined;
}

/** How much a proof has read that need not read everything. */
export interface Compared {
  readonly collections: readonly { readonly collection: string; readonly documents: number; readonly read: number }[];
  /** Documents that others wrote and of which nobody kept the earlier state: they are counted only. */
  readonly notCompared: number;
}

export interface RungStep {
  readonly what: string;
  readonly collection: string;
  readonly documents: number;
  readonly why: string;
}

export interface Rung {
  readonly name: RungName;
  /** Looks at the database as it is now. */
  prepare(): Promise<Prepared>;
}

/** A rung that was looked at, and why the way led on from it. */
export interface Passed {
  readonly rung: RungName;
  readonly why: string;
  readonly error?: GuardError | undefined;
  /** What still differed after it. */
  readonly differences?: readonly CensusDifference[];
}

export interface Reached {
  readonly rung: RungName;
  readonly prepared: Fitting;
  /** The rungs before it. */
  readonly passed: readonly Passed[];
}

export interface ClimbOptions {
  /** Called right before a rung writes. */
  readonly onBegin: (rung: RungName, prepared: Fitting) => Promise<void>;
  /** Called with each rung from which the way leads on. */
  readonly onPassed?: (passed: Passed) => void;
  readonly log: Log;
  /** Aborted on cancel and when the lock is lost: nothing more is tried then. */
  readonly signal: AbortSignal;
}

/** Tries after a lost connection or a change of the primary, of rungs that can be done again. */
const tries = 3;

/** The rungs that a strategy may use, in their order. */
export function rungsFor(strategy: Strategy): readonly RungName[] {
  return strategy === 'auto' ? rungNames : rungNames.slice(rungNames.indexOf(strategy));
}

/**
 * Takes one rung after the other until one is proven. A rung that does not fit is passed by; one that fails, or whose proof fails, too.
 * Throws the refusal of the first rung that fits, before anything is written; what made the last attempt fail; `rollback/not-proven`; and
 * the reason of the signal.
 */
export async function climb(rungs: readonly Rung[], options: ClimbOptions): Promise<Reached> {
  const { onBegin, onPassed, log, signal } = options;
  const passed: Passed[] = [];
  const pass = (one: Passed): void => {
    passed.push(one);
    log.info(`The rung ${one.rung} is passed by: ${one.why}.`);
    onPassed?.(one);
  };
  for (const rung of rungs) {
    signal.throwIfAborted();
    const prepared = await patiently(options, () => rung.prepare());
    if (!prepared.fits) {
      pass({ rung: rung.name, why: prepared.why, error: prepared.error });
      continue;
    }
    if (prepared.refusal !== undefined) {
      const { error } = tried(passed) ?? {};
      if (error === undefined) throw prepared.refusal;
      pass({ rung: rung.name, why: `it is refused (${prepared.refusal.code}): ${withoutStop(prepared.refusal.message)}` });
      throw error;
    }
    await onBegin(rung.name, prepared);
    const failure = await attempt(rung, prepared, options);
    if (failure === undefined) return { rung: rung.name, prepared, passed };
    pass(failure);
  }
  throw tried(passed)?.error ?? noneFits(passed);
}

/** The last rung that was not only looked at. */
function tried(passed: readonly Passed[]): Passed | undefined {
  return passed.findLast(({ differences }) => differences !== undefined);
}

/** The error of the last rung that has one: the others did not fit for reasons that are no fault. */
function noneFits(passed: readonly Passed[]): GuardError {
  const why = passed.map(({ rung, why: reason }) => `${rung}: ${reason}`).join('; ');
  return passed.findLast(({ error }) => error !== undefined)?.error ?? new GuardError('rollback/no-way', `No rung leads back. ${why}.`);
}

/** What made the rung fail; nothing when it is proven. */
async function attempt(rung: Rung, first: Fitting, options: ClimbOptions): Promise<Passed | undefined> {
  let prepared = first;
  try {
    await patiently(
      options,
      async (count) => {
        if (count > 1) prepared = await preparedAgain(rung, prepared);
        await prepared.carryOut();
      },
      first.repeatable,
    );
    options.log.info(`Proving the result of ${rung.name} …`);
    const differences = await patiently(options, () => prepared.prove());
    if (differences.length === 0) return undefined;
    const why = `its result is not proven: ${describeDifferences(differences)}`;
    return { rung: rung.name, why, differences, error: new GuardError('rollback/not-proven', `After ${rung.name}, ${why}.`) };
  } catch (thrown) {
    options.signal.throwIfAborted();
    if (!(thrown instanceof GuardError) || thrown.code === 'rollback/conflicts') throw thrown;
    return { rung: rung.name, why: `it failed (${thrown.code}): ${withoutStop(thrown.message)}`, error: thrown, differences: [] };
  }
}

async function preparedAgain(rung: Rung, before: Fitting): Promise<Fitting> {
  const again = await rung.prepare();
  if (again.fits) return again;
  throw again.error ?? new GuardError('server/interrupted', `${before.why}: it was interrupted, and cannot be done again: ${again.why}.`);
}

/** Waits for a new primary, as the driver does by itself before each command, and does it again. */
async function patiently<T>({ log, signal }: ClimbOptions, body: (count: number) => Promise<T>, repeatable = true): Promise<T> {
  for (let count = 1; ; count++) {
    try {
      return await body(count);
    } catch (error) {
      signal.throwIfAborted();
      if (!interrupted(error) || !repeatable || count === tries) throw error;
      log.warning(`Interrupted: ${withoutStop(toError(error).message)}; trying again, ${count + 1} of ${tries}.`);
    }
  }
}

function interrupted(error: unknown): boolean {
  return isRetryable(error) || (error instanceof GuardError && (error.code === 'server/interrupted' || isRetryable(error.cause)));
}

/** For people: `digest of orders and 2 more differ`. */
export function describeDifferences(differences: readonly CensusDifference[]): string {
  const [first] = differences;
  const more = differences.length > 1 ? ` and ${differences.length - 1} more` : '';
  return first === undefined ? 'nothing differs' : `${first.what} of ${first.collection}${more} differ`;
}

function withoutStop(text: string): string {
  return text.replace(/\.$/, '');
}
