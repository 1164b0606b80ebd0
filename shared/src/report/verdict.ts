import { formatDuration } from './duration.ts';
import type { Result, RunReport, Stage } from './run-report.ts';
import { reasonOf, stageName } from './stage.ts';

/** `restored`: something failed, and a rollback put the data back and proved it. */
export type Tone = Result | 'restored';

/** What the person who is woken at night needs, in the order in which it is needed. Plain text, one sentence or two each. */
export interface Verdict {
  readonly tone: Tone;
  /** Whether somebody should be told at once. */
  readonly alarming: boolean;
  /** A few words, such as `Rolled back, proven`. */
  readonly headline: string;
  readonly whatHappened: string;
  readonly dataState: string;
  readonly nextStep: string;
}

/** Sums the run up. Stages of the action that sends this very report are left out: the messenger is not the message. */
export function verdictOf(report: RunReport): Verdict {
  const stages = report.stages.filter(({ action }) => action !== 'report');
  const rollback = stages.findLastIndex(({ action, mode }) => action === 'rollback' && mode !== 'plan');
  const cause = stages.find(isBroken);
  const afterRollback = rollback === -1 ? undefined : stages.slice(rollback + 1).find(isBroken);
  const summary = conclusion({ stages, cause, afterRollback, rollback: stages[rollback] });
  return {
    tone: summary.tone,
    alarming: summary.tone !== 'passed' && summary.tone !== 'warned',
    headline: summary.headline,
    whatHappened: summary.whatHappened ?? (cause === undefined ? success(stages, report) : accountOf(cause)),
    dataState: last(stages, ({ dataState }) => dataState) ?? 'Not known: no stage reported the state of the data.',
    nextStep: nextStep(stages, summary.decider),
  };
}

interface Findings {
  readonly stages: readonly Stage[];
  /** The first stage that did not pass. */
  readonly cause: Stage | undefined;
  readonly rollback: Stage | undefined;
  /** The first stage that did not pass after the rollback. */
  readonly afterRollback: Stage | undefined;
}

interface Conclusion {
  readonly tone: Tone;
  readonly headline: string;
  readonly whatHappened?: string;
  /** The stage that knows what to do next. */
  readonly decider?: Stage;
}

function conclusion({ stages, cause, rollback, afterRollback }: Findings): Conclusion {
  if (stages.length === 0) return { tone: 'inconclusive', headline: 'Nothing ran', whatHappened: 'No stage reported anything.' };
  if (rollback !== undefined) return rolledBack(rollback, { cause, afterRollback });
  if (cause === undefined) {
    const warned = stages.findLast(({ result }) => result === 'warned');
    if (warned === undefined) return { tone: 'passed', headline: 'Passed' };
    return { tone: 'warned', headline: 'Passed with warnings', decider: warned };
  }
  if (cause.error?.code === 'run/cancelled') return { tone: 'failed', headline: 'Cancelled', decider: cause };
  if (stages.some(({ result }) => result === 'failed')) return { tone: 'failed', headline: `Failed: ${stageName(cause)}`, decider: cause };
  return { tone: 'inconclusive', headline: `Undecided: ${stageName(cause)}`, decider: cause };
}

function rolledBack(rollback: Stage, { cause, afterRollback }: Pick<Findings, 'cause' | 'afterRollback'>): Conclusion {
  const trigger = cause === undefined || cause === rollback ? [] : [accountOf(cause)];
  const parts = [...trigger, accountOf(rollback), ...(afterRollback === undefined ? [] : [accountOf(afterRollback)])];
  const whatHappened = parts.join(' ');
  if (isBroken(rollback)) return { tone: 'failed', headline: 'Rollback failed', whatHappened, decider: rollback };
  if (afterRollback !== undefined) {
    return { tone: 'failed', headline: `Rolled back, then failed: ${stageName(afterRollback)}`, whatHappened, decider: afterRollback };
  }
  // "Done" is only said on proof, by the digests of the action rollback.
  const proof = rollback.outputs['proof'];
  if (proof === 'equal') return { tone: 'restored', headline: 'Rolled back, proven', whatHappened, decider: rollback };
  if (proof === 'equal-to-backup')
    return { tone: 'restored', headline: 'Rolled back to the backup, proven', whatHappened, decider: rollback };
  return { tone: 'failed', headline: 'Rolled back, not proven', whatHappened, decider: rollback };
}

function isBroken({ result }: Stage): boolean {
  return result === 'failed' || result === 'inconclusive';
}

function accountOf(stage: Stage): string {
  return sentence(`${stageName(stage)}: ${reasonOf(stage) ?? stage.result}`);
}

function success(stages: readonly Stage[], { run }: RunReport): string {
  const time = formatDuration(stages.reduce((sum, { milliseconds }) => sum + milliseconds, 0));
  const count = `${stages.length} ${stages.length === 1 ? 'stage' : 'stages'}`;
  const on = [run.database, run.environment].filter((name) => name !== undefined).join(' in ');
  const warnings = stages.filter(({ result }) => result === 'warned').map(accountOf);
  const passed = warnings.length === 0 ? 'passed' : 'ended without failure';
  return [`${count} ${passed} in ${time}${on === '' ? '' : ` on ${on}`}.`, ...warnings].join(' ');
}

/** The advice of the deciding stage and of those after it, the latest first; then the remedy of its error. */
function nextStep(stages: readonly Stage[], decider: Stage | undefined): string {
  const relevant = decider === undefined ? stages : stages.slice(stages.indexOf(decider));
  const advice = last(relevant, (stage) => stage.nextStep) ?? decider?.error?.remedy;
  if (advice !== undefined) return sentence(advice);
  if (decider === undefined) return stages.length === 0 ? 'Check that the earlier steps ran with the same run-folder.' : 'Nothing to do.';
  return `Read the stage ${stageName(decider)} below.`;
}

function last(stages: readonly Stage[], pick: (stage: Stage) => string | undefined): string | undefined {
  return stages
    .map(pick)
    .filter((text) => text !== undefined)
    .at(-1);
}

function sentence(text: string): string {
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}
