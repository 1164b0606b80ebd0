import { setTimeout as sleep } from 'node:timers/promises';
import type { Outcome } from '@migration-guard/shared/action/context';
import { RuleWatch, type Watched } from '@migration-guard/shared/checks/watch';
import type { LoadtestSettings } from '@migration-guard/shared/config/loadtest';
import type { LoadtestContext, LoadtestInputs } from './contract.ts';
import { measuring, type Measuring } from './measure.ts';

/** How often a line about a healthy service stands in the log, milliseconds. */
const tellEvery = 30_000;

/** Measures service and database until a rule decides, or the time is up and no rule waits. */
export async function watch(inputs: LoadtestInputs, context: LoadtestContext, scenario: LoadtestSettings): Promise<Outcome> {
  const { stage, log } = context;
  await using measured = await measuring(inputs, context, scenario);
  const started = performance.now();
  const duration = inputs.duration ?? 300_000;
  log.info(`Watching ${new URL(inputs.baseUrl).origin} for ${duration / 1_000} s …`);
  const watched = await untilDecided({ measured, scenario, context, started, duration });
  const { requests, failed, pings } = measured.totals();
  stage.figure('Watched', `${Math.round((performance.now() - started) / 1_000)} s`);
  stage.figure('Requests', `${requests}, ${failed} failed`);
  if (pings > 0) stage.figure('Questions to the database', pings);
  const { decision, severity, reason } = watched;
  context.setOutput('decision', decision);
  context.setOutput('severity', severity);
  context.setOutput('reason', reason);
  context.setOutput('reasons', reason === '' ? [] : [reason]);
  context.setOutput('verdict', decision === 'rollback' ? 'fail' : severity === 'none' ? 'pass' : 'warn');
  for (const { rule, what } of watched.matches) stage.finding({ severity: 'error', rule: `detection/${rule}`, message: what });
  if (decision === 'rollback') {
    stage.nextStep('Roll back with action-rollback.');
    return { result: 'failed', reason: `Severity ${severity}, to be rolled back: ${reason}.` };
  }
  if (severity !== 'none') return { result: 'warned', reason: `Severity ${severity}: ${reason}.` };
  return { result: 'passed', reason: `No rule applied in ${requests} requests.` };
}

interface Watching {
  readonly measured: Measuring;
  readonly scenario: LoadtestSettings;
  readonly context: LoadtestContext;
  /** Of the clock of the watch, milliseconds. */
  readonly started: number;
  readonly duration: number;
}

async function untilDecided({ measured, scenario, context, started, duration }: Watching): Promise<Watched> {
  const { signal, log } = context;
  const rules = new RuleWatch(scenario.detection);
  let told = started;
  let waiting = '';
  for (;;) {
    const begun = performance.now();
    const signals = await measured.next();
    const at = performance.now();
    const watched = rules.judge(at, signals);
    const pending = watched.pending.map(({ rule, what, due }) => `${rule} (${what}) decides in ${Math.ceil((due - at) / 1_000)} s`);
    const names = watched.pending.map(({ rule }) => rule).join();
    if (names !== waiting) log.info(pending.length === 0 ? 'It has recovered.' : `Waiting for it to recover: ${pending.join('; ')}.`);
    waiting = names;
    if (watched.decision === 'rollback') return watched;
    if (at - started >= duration && watched.pending.length === 0) return watched;
    if (at - told >= tellEvery) {
      told = at;
      log.info(
        `${Math.round((at - started) / 1_000)} s: ${signals['error-rate']?.what ?? 'no requests'}, ${signals['latency-p95']?.what ?? 'no answers'}.`,
      );
    }
    const rest = Math.max(0, scenario.watch.interval - (performance.now() - begun));
    await sleep(rest, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}
