import type { LoadtestResults } from '@migration-guard/shared/load/results';
import type { Table } from '@migration-guard/shared/report/run-report';

/** The figures of a run for report and summary. Pure. */
export function figuresOf(results: LoadtestResults): readonly { readonly name: string; readonly value: string }[] {
  const slowest = Math.max(0, ...results.samples.map(({ latency }) => latency?.p95 ?? 0));
  return [
    { name: 'Service', value: results.service },
    { name: 'Verdict', value: `${results.verdict} (severity ${results.severity})` },
    { name: 'Steps', value: `${passed(results)} of ${results.steps.length + results.skipped.length} passed` },
    ...(slowest === 0 ? [] : [{ name: 'Highest p95', value: whole(slowest) }]),
  ];
}

/** Steps and samples as tables. Pure. */
export function tablesOf(results: LoadtestResults): readonly Table[] {
  const steps = results.steps.map((step) => [
    step.name,
    `\`${step.request}\``,
    String(step.status ?? 'no answer'),
    whole(step.milliseconds),
    step.problems.length === 0 ? 'passed' : step.problems.join('; '),
  ]);
  const skipped = results.skipped.map((name) => [name, '', '', '', 'not reached']);
  const samples = results.samples.map(({ name, requests, failed, latency, verdict }) => [
    name,
    String(requests),
    String(failed),
    ...(latency === undefined ? ['–', '–', '–'] : [latency.median, latency.p95, latency.max].map(whole)),
    verdict,
  ]);
  return [
    { title: 'Scenario', columns: ['step', 'request', 'status', 'time', 'result'], rows: [...steps, ...skipped] },
    ...(samples.length === 0
      ? []
      : [{ title: 'Performance', columns: ['step', 'samples', 'failed', 'median', 'p95', 'max', 'verdict'], rows: samples }]),
  ];
}

function passed(results: LoadtestResults): number {
  return results.steps.filter((step) => step.problems.length === 0).length;
}

function whole(milliseconds: number): string {
  return `${milliseconds < 10 ? milliseconds.toFixed(1) : Math.round(milliseconds)} ms`;
}
