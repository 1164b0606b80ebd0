import type { Severity, Signals } from '@migration-guard/shared/checks/detection';
import type { LoadtestSettings } from '@migration-guard/shared/config/loadtest';
import type { LoadtestResults } from '@migration-guard/shared/load/results';

/** What a check of the service means to the detection rules. Pure. */
export function signalsOf({ reachable, steps, samples }: LoadtestResults, { watch: { baseline }, preflight }: LoadtestSettings): Signals {
  const requests = steps.length + samples.reduce((sum, sample) => sum + sample.requests, 0);
  const failed = steps.filter(({ problems }) => problems.length > 0).length + samples.reduce((sum, sample) => sum + sample.failed, 0);
  const slowest = Math.max(...samples.map(({ latency }) => latency?.p95 ?? 0));
  return {
    // Where it may be the runner that is shut out, an unreachable service is no reason to roll back.
    ...(preflight.unreachable === 'fail' ? { 'api-down': { value: reachable ? 0 : 1, what: 'the service cannot be reached' } } : {}),
    ...(requests === 0 ? {} : rateSignals(failed, requests)),
    ...(slowest > 0 ? latencySignals(slowest, baseline) : {}),
  };
}

export function rateSignals(failed: number, requests: number): Signals {
  const value = (failed / requests) * 100;
  return {
    requests: { value: requests, what: `${requests} requests` },
    'error-rate': { value, what: `${failed} of ${requests} requests failed (${value.toFixed(1)} %)` },
  };
}

/** Both in milliseconds. */
export function latencySignals(p95: number, baseline: number | undefined): Signals {
  const what = `p95 ${Math.round(p95)} ms`;
  const factor = baseline === undefined || baseline <= 0 ? undefined : p95 / baseline;
  return {
    'latency-p95': { value: p95, what },
    ...(factor === undefined ? {} : { 'latency-factor': { value: factor, what: `${what}, ${factor.toFixed(1)} times the baseline` } }),
  };
}

const severities: readonly Severity[] = ['none', 'medium', 'high', 'critical'];

export function moreSevere(a: Severity, b: Severity): Severity {
  return severities.indexOf(a) >= severities.indexOf(b) ? a : b;
}
