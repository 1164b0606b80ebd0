import type { LoadtestSettings } from '@migration-guard/shared/config/loadtest';
import type { LoadtestResults } from '@migration-guard/shared/load/results';
import { judgeSamples, judgeStep, latencyOf, worstOf, type Judgement } from '@migration-guard/shared/load/verdict';
import type { Observed } from './observe.ts';

export interface JudgedRun {
  readonly service: string;
  readonly startedAt: Date;
  readonly finishedAt: Date;
}

/** The results document for what was observed. Pure. */
export function judge(observed: Observed, scenario: LoadtestSettings, run: JudgedRun): LoadtestResults {
  const judgements = [...unfinished(observed, scenario), ...observed.steps.map(judgeStep)];
  const samples = observed.samples.map(({ name, results }) => {
    const judgement = judgeSamples({ name, results }, scenario.performance);
    judgements.push(judgement);
    const latency = latencyOf(results);
    const failed = results.filter((result) => result.problems.length > 0).length;
    return { name, requests: results.length, failed, ...(latency === undefined ? {} : { latency }), verdict: judgement.verdict };
  });
  const { verdict, severity } = worstOf(judgements);
  return {
    version: 1,
    mode: 'smoke',
    service: run.service,
    startedAt: run.startedAt.toISOString(),
    milliseconds: run.finishedAt.getTime() - run.startedAt.getTime(),
    reachable: observed.unreachable === undefined,
    verdict,
    severity,
    reasons: reasonsOf(judgements, verdict),
    steps: [...observed.steps],
    skipped: scenario.steps.slice(observed.steps.length).map((step) => step.name),
    samples,
  };
}

function unfinished(observed: Observed, scenario: LoadtestSettings): readonly Judgement[] {
  if (observed.unreachable !== undefined) {
    const verdict = scenario.preflight.unreachable;
    return [{ verdict, severity: 'critical', reason: `API down: the service cannot be reached, ${observed.unreachable}` }];
  }
  return observed.outOfTime
    ? [{ verdict: 'inconclusive', severity: 'none', reason: 'The time limit ended the check before everything was asked' }]
    : [];
}

/** All reasons, those of the final verdict first. */
function reasonsOf(judgements: readonly Judgement[], verdict: Judgement['verdict']): string[] {
  const first = judgements.filter((judgement) => judgement.verdict === verdict);
  const rest = judgements.filter((judgement) => judgement.verdict !== verdict);
  return [...first, ...rest].flatMap(({ reason }) => (reason === undefined ? [] : [reason]));
}
