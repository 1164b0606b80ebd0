import { randomInt, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../log/log.ts';
import { captureValues } from './capture.ts';
import { isExpectedStatus, unmetExpectations } from './expect.ts';
import { send, type Answer, type Failure, type Request } from './request.ts';
import type { Step } from './step.ts';
import { renderJson, renderText, type Lookup } from './template.ts';

/** What all steps of one run share. */
export interface Session {
  /** Address of the service; its path is kept in front of the paths of the steps. */
  readonly base: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Deadline of a request whose step names none, milliseconds. */
  readonly timeout: number;
  /** Variables, secrets and what earlier steps captured. Never printed. */
  readonly values: Map<string, unknown>;
  readonly signal: AbortSignal;
  readonly log: Log;
}

export interface StepResult {
  readonly name: string;
  /** Method and path as written by the user, placeholders not filled in. */
  readonly request: string;
  /** Absent when no answer came. */
  readonly status?: number;
  /** Of the last attempt. */
  readonly milliseconds: number;
  readonly attempts: number;
  /** What was wrong, one sentence each; empty when the step passed. */
  readonly problems: readonly string[];
}

/** Names that make a new value each time they are used. */
export const generators: Readonly<Record<string, () => string>> = {
  uuid: () => randomUUID(),
  now: () => new Date().toISOString(),
  digits: () => String(randomInt(10 ** 8)).padStart(8, '0'),
};

/** Performs the steps in order until one fails, and yields each result as it comes. Rejects only when the session's signal is aborted. */
export async function* runScenario(steps: readonly Step[], session: Session): AsyncGenerator<StepResult> {
  for (const step of steps) {
    const result = await runStep(step, session);
    yield result;
    if (result.problems.length > 0) return;
  }
}

/** Performs one step, retries included, and keeps what it captures in the session. */
export async function runStep(step: Step, session: Session): Promise<StepResult> {
  const timeout = step.timeout ?? session.timeout;
  for (let attempts = 1; ; attempts += 1) {
    const exchange = await send(requestOf(step, session), { timeout, signal: session.signal });
    if (attempts <= step.retries && isWorthRetry(step, exchange)) {
      session.log.info(`${step.name}: ${describe(exchange)}, trying again (${attempts} of ${step.retries}).`);
      await pause(attempts, session.signal);
      continue;
    }
    const { name, request } = step;
    const { milliseconds } = exchange;
    if (exchange.kind === 'failure') return { name, request, milliseconds, attempts, problems: [exchange.message] };
    return { name, request, status: exchange.status, milliseconds, attempts, problems: examine(step, exchange, session) };
  }
}

/** The name of a value by session, then generator. Names are checked before the run, so an unknown one is a bug. */
function lookupIn(session: Session): Lookup {
  return (name) => {
    if (session.values.has(name)) return session.values.get(name);
    const generate = generators[name];
    if (generate === undefined) throw new Error(`Nothing is known under the name ${name}.`);
    return generate();
  };
}

function requestOf(step: Step, session: Session): Request {
  const lookup = lookupIn(session);
  const [, method = '', path = ''] = /^(\S+) (.*)$/.exec(step.request) ?? [];
  const url = new URL(session.base.href.replace(/\/*$/, '') + renderText(path, lookup, encodeURIComponent));
  const headers = Object.entries({ ...session.headers, ...step.headers }).map(
    ([name, text]) => [name.toLowerCase(), renderText(text, lookup)] as const,
  );
  const shared = { method, url };
  if (step.json !== undefined) {
    const body = JSON.stringify(renderJson(step.json, lookup));
    return { ...shared, headers: { 'content-type': 'application/json', ...Object.fromEntries(headers) }, body };
  }
  return { ...shared, headers: Object.fromEntries(headers), ...(step.body === undefined ? {} : { body: renderText(step.body, lookup) }) };
}

function examine(step: Step, answer: Answer, session: Session): readonly string[] {
  const unmet = unmetExpectations(step.expect, answer, lookupIn(session));
  if (unmet.length > 0) return unmet;
  const captured = captureValues(step.capture, answer);
  for (const [name, value] of captured.values) session.values.set(name, value);
  return captured.missing.map((name) => `the answer holds no ${name} to capture`);
}

/** A connection that failed, or a gateway without a service behind it: what a service that is just starting answers. */
function isWorthRetry(step: Step, exchange: Answer | Failure): boolean {
  if (exchange.kind === 'failure') return exchange.reason !== 'not-sendable' && exchange.reason !== 'too-large';
  return [502, 503, 504].includes(exchange.status) && !isExpectedStatus(step.expect.status, exchange.status);
}

function describe(exchange: Answer | Failure): string {
  return exchange.kind === 'failure' ? exchange.message : `status ${exchange.status}`;
}

async function pause(attempts: number, signal: AbortSignal): Promise<void> {
  await sleep(Math.min(250 * 2 ** (attempts - 1), 5_000), undefined, { signal }).catch(() => signal.throwIfAborted());
}
