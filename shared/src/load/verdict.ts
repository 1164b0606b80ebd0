import type { StepResult } from '../http/scenario.ts';
import { percentile } from './percentile.ts';

export type Verdict = 'pass' | 'warn' | 'fail' | 'inconclusive';
/** How bad it is for the users of the service; the rollback rules read it. */
export type Severity = 'none' | 'medium' | 'high' | 'critical';

export interface Judgement {
  readonly verdict: Verdict;
  readonly severity: Severity;
  /** Absent when all is well. */
  readonly reason?: string;
}

/** The answers to one request that was repeated. */
export interface Samples {
  readonly name: string;
  readonly results: readonly StepResult[];
}

/** Limits of the 95th percentile, milliseconds. */
export interface Limits {
  readonly good: number;
  readonly critical: number;
}

export interface Latency {
  readonly median: number;
  readonly p95: number;
  readonly max: number;
}

const well: Judgement = { verdict: 'pass', severity: 'none' };

/** A step that has problems has failed; no answer, or an answer with 5xx, means that the service does not work at all. */
export function judgeStep(result: StepResult): Judgement {
  if (result.problems.length === 0) return well;
  const broken = result.status === undefined || result.status >= 500;
  return { verdict: 'fail', severity: broken ? 'critical' : 'high', reason: `${result.name}: ${result.problems.join('; ')}` };
}

/** Latency is judged by what was answered; one wrong answer among the samples is a failure whatever the latency. */
export function judgeSamples({ name, results }: Samples, limits: Limits): Judgement {
  const latency = latencyOf(results);
  const failed = results.filter((result) => result.problems.length > 0);
  const worst = worstOf(failed.map(judgeStep));
  if (worst.verdict === 'fail') {
    return { ...worst, reason: `${name}: ${failed.length} of ${results.length} samples failed (${failed[0]?.problems.join('; ')})` };
  }
  if (latency === undefined) return { verdict: 'inconclusive', severity: 'none', reason: `${name}: no samples` };
  const measured = `${name}: p95 ${Math.round(latency.p95)} ms`;
  if (latency.p95 > limits.critical)
    return { verdict: 'fail', severity: 'critical', reason: `${measured}, more than ${limits.critical} ms` };
  if (latency.p95 < limits.good) return well;
  return { verdict: 'warn', severity: 'medium', reason: `${measured}, not below ${limits.good} ms` };
}

/** Milliseconds over all samples that were answered, right or wrong; `undefined` when none was. */
export function latencyOf(results: readonly StepResult[]): Latency | undefined {
  const times = results.filter((result) => result.status !== undefined).map((result) => result.milliseconds);
  if (times.length === 0) return undefined;
  return { median: percentile(times, 0.5), p95: percentile(times, 0.95), max: percentile(times, 1) };
}

const verdicts: readonly Verdict[] = ['pass', 'warn', 'inconclusive', 'fail'];
const severities: readonly Severity[] = ['none', 'medium', 'high', 'critical'];

/** The worst verdict and the worst severity of all, reason of the first that has that verdict; a pass when there are none. */
export function worstOf(judgements: readonly Judgement[]): Judgement {
  return judgements.reduce<Judgement>((worst, next) => {
    const higher = verdicts.indexOf(next.verdict) > verdicts.indexOf(worst.verdict) ? next : worst;
    const severity = severities[Math.max(severities.indexOf(worst.severity), severities.indexOf(next.severity))] ?? 'none';
    return { ...higher, severity };
  }, well);
}
