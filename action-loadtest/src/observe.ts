import { setTimeout as sleep } from 'node:timers/promises';
import type { LoadtestSettings } from '@migration-guard/shared/config/loadtest';
import { deadlineAfter } from '@migration-guard/shared/timing/deadline';
import { send, type Failure } from '@migration-guard/shared/http/request';
import { runScenario, runStep, type Session, type StepResult } from '@migration-guard/shared/http/scenario';
import type { Samples } from '@migration-guard/shared/load/verdict';
import type { Log } from '@migration-guard/shared/log/log';

export interface ObserveOptions {
  readonly base: URL;
  /** Variables and secrets; captured values are added. */
  readonly values: Map<string, unknown>;
  /** Time limit of everything, milliseconds. */
  readonly limit: number;
  readonly signal: AbortSignal;
  readonly log: Log;
}

/** What happened, not yet judged. */
export interface Observed {
  /** Why the service could not be reached, when it could not. */
  unreachable?: string;
  readonly steps: StepResult[];
  readonly samples: Samples[];
  /** The time limit ended the check before everything was asked. */
  outOfTime: boolean;
}

/** Asks the service: preflight, scenario, then samples if the scenario passed. Rejects only when `signal` is aborted. */
export async function observe(scenario: LoadtestSettings, options: ObserveOptions): Promise<Observed> {
  const observed: Observed = { steps: [], samples: [], outOfTime: false };
  const limit = deadlineAfter(options.limit);
  const { base, values, log } = options;
  const { headers, timeout } = scenario;
  const session: Session = { base, headers, timeout, values, log, signal: AbortSignal.any([options.signal, limit]) };
  try {
    await ask(scenario, session, observed);
  } catch (error) {
    options.signal.throwIfAborted();
    if (!limit.aborted) throw error;
    observed.outOfTime = true;
  }
  return observed;
}

async function ask(scenario: LoadtestSettings, session: Session, observed: Observed): Promise<void> {
  const failure = await waitForAnswer(scenario, session);
  if (failure !== undefined) {
    observed.unreachable = failure.message;
    return;
  }
  for await (const result of runScenario(scenario.steps, session)) {
    observed.steps.push(result);
    logStep(result, session.log);
    if (result.problems.length > 0) return;
  }
  await takeSamples(scenario, session, observed);
}

/** Waits until the service gives any answer; returns the last failure when it did not in time. */
async function waitForAnswer({ preflight, timeout }: LoadtestSettings, { base, signal, log }: Session): Promise<Failure | undefined> {
  const until = performance.now() + preflight.wait;
  const url = new URL(base.href.replace(/\/*$/, '') + preflight.path);
  for (;;) {
    const left = Math.max(1, Math.ceil(until - performance.now()));
    const exchange = await send({ method: 'GET', url, headers: {} }, { timeout: Math.min(timeout, left), signal });
    if (exchange.kind === 'answer') {
      log.info(`${base.origin} answers (status ${exchange.status}, ${Math.round(exchange.milliseconds)} ms).`);
      return undefined;
    }
    if (performance.now() + 250 >= until) return exchange;
    await sleep(250, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

async function takeSamples({ performance: judged, steps }: LoadtestSettings, session: Session, observed: Observed): Promise<void> {
  for (const name of judged.steps) {
    const step = steps.find((candidate) => candidate.name === name);
    if (step === undefined) continue;
    for (let count = 0; count < judged.warmup; count += 1) await runStep(step, session);
    const results: StepResult[] = [];
    observed.samples.push({ name, results });
    for (let count = 0; count < judged.samples; count += 1) results.push(await runStep(step, session));
  }
}

function logStep({ name, request, status, milliseconds, problems }: StepResult, log: Log): void {
  const line = `${name}: ${request} → ${status ?? 'no answer'}, ${Math.round(milliseconds)} ms`;
  log.info(problems.length === 0 ? `✓ ${line}` : `✗ ${line}: ${problems.join('; ')}`);
}
