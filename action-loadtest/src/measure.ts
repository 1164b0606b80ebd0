import type { Signals } from '@migration-guard/shared/checks/detection';
import type { LoadtestSettings } from '@migration-guard/shared/config/loadtest';
import { GuardError } from '@migration-guard/shared/errors/guard-error';
import { send } from '@migration-guard/shared/http/request';
import { percentile } from '@migration-guard/shared/load/percentile';
import { connect, type Connection } from '@migration-guard/shared/mongo/connect';
import type { LoadtestContext, LoadtestInputs } from './contract.ts';
import { latencySignals, rateSignals } from './signals.ts';

/** One after the other so many must stay without an answer: a single lost connection is no outage. */
const silentUntilDown = 3;
/** Below so many requests in the window one that failed says nothing about a rate. */
const fewestForRate = 20;
/** How long the database is waited for, milliseconds. */
const databasePatience = 5_000;

/** Measures service and database, and keeps what belongs to the window. */
export interface Measuring extends AsyncDisposable {
  /** One more measurement, and what the window says with it. Rejects only when the run is cancelled. */
  next(): Promise<Signals>;
  totals(): { readonly requests: number; readonly failed: number; readonly pings: number };
}

interface Sample {
  readonly at: number;
  /** Whether the service answered at all. */
  readonly answered: boolean;
  readonly failed: boolean;
  readonly milliseconds: number;
}

/** Begins to measure. A database that cannot be reached from the start is a measurement too. */
export async function measuring(inputs: LoadtestInputs, context: LoadtestContext, scenario: LoadtestSettings): Promise<Measuring> {
  const { watch, preflight } = scenario;
  const url = new URL(inputs.baseUrl.replace(/\/*$/, '') + (watch.path ?? preflight.path));
  const samples: Sample[] = [];
  const database = databasePings(inputs, context);
  const totals = { requests: 0, failed: 0, pings: 0 };
  return {
    async next() {
      const asked = async (): Promise<void> => {
        for (let count = 0; count < watch.requests; count += 1) {
          const sample = await ask(url, context, scenario);
          samples.push(sample);
          totals.requests += 1;
          totals.failed += sample.failed ? 1 : 0;
        }
      };
      const [, lost] = await Promise.all([asked(), database?.ping()]);
      totals.pings += database === undefined ? 0 : 1;
      const begin = performance.now() - watch.window;
      while ((samples[0]?.at ?? Infinity) < begin) samples.shift();
      return { ...signalsOf(samples, watch.baseline), ...lost };
    },
    totals: () => totals,
    [Symbol.asyncDispose]: async () => database?.close(),
  };
}

async function ask(url: URL, { signal }: LoadtestContext, { headers, timeout }: LoadtestSettings): Promise<Sample> {
  const plain = Object.fromEntries(Object.entries(headers).filter(([, value]) => !value.includes('{{')));
  const exchange = await send({ method: 'GET', url, headers: plain }, { timeout, signal });
  const at = performance.now();
  if (exchange.kind === 'failure') return { at, answered: false, failed: true, milliseconds: exchange.milliseconds };
  return { at, answered: true, failed: exchange.status >= 500, milliseconds: exchange.milliseconds };
}

function signalsOf(samples: readonly Sample[], baseline: number | undefined): Signals {
  const failed = samples.filter((sample) => sample.failed).length;
  const times = samples.filter(({ answered }) => answered).map(({ milliseconds }) => milliseconds);
  const last = samples.slice(-silentUntilDown);
  const down = last.length === silentUntilDown && last.every(({ answered }) => !answered);
  return {
    ...(samples.length < fewestForRate ? {} : rateSignals(failed, samples.length)),
    ...(times.length === 0 ? {} : latencySignals(percentile(times, 0.95), baseline)),
    'api-down': { value: down ? 1 : 0, what: `the last ${silentUntilDown} requests had no answer` },
  };
}

interface Pings {
  ping(): Promise<Signals>;
  close(): Promise<void>;
}

/** Asks the primary for a sign of life. A failed question makes a new connection for the next one. */
function databasePings({ uri }: LoadtestInputs, { signal }: LoadtestContext): Pings | undefined {
  if (uri === undefined) return undefined;
  let connection: Connection | undefined;
  const close = async (): Promise<void> => {
    await connection?.client.close().catch(() => undefined);
    connection = undefined;
  };
  return {
    async ping() {
      try {
        connection ??= await connect(uri, { serverSelectionTimeoutMS: databasePatience, socketTimeoutMS: databasePatience });
        await connection.client.db('admin').command({ ping: 1 }, { readPreference: 'primary' });
        return { 'connection-lost': { value: 0, what: 'the database answers' } };
      } catch (error) {
        signal.throwIfAborted();
        await close();
        const what = error instanceof GuardError ? error.message.replace(/\.$/, '') : 'the database does not answer';
        return { 'connection-lost': { value: 1, what } };
      }
    },
    close,
  };
}
