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
    dataState: stateOfData(stages) ?? 'Not known: no stage reported the state of the data.',
    nextStep: nextStep(stages, summary),
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
  /** The stage whose advice counts. */
  readonly decider?: Stage;
  /** The next step where no stage gives advice. */
  readonly otherwise: string;
}

function conclusion({ stages, cause, rollback, afterRollback }: Findings): Conclusion {
  if (stages.length === 0) {
    const otherwise = 'Check that the earlier steps ran with the same run-folder.';
    return { tone: 'inconclusive', headline: 'Nothing ran', whatHappened: 'No stage reported anything.', otherwise };
  }
  if (rollback !== undefined) return rolledBack(rollback, { cause, afterRollback });
  if (cause === undefined) {
    const warned = stages.findLast(({ result }) => result === 'warned');
    if (warned === undefined) return { tone: 'passed', headline: 'Passed', otherwise: 'Nothing to do.' };
    return { tone: 'warned', headline: 'Passed with warnings', ...decidedBy(warned) };
  }
  if (cause.error?.code === 'run/cancelled') return { tone: 'failed', headline: 'Cancelled', ...decidedBy(cause) };
  const failed = stages.some(({ result }) => result === 'failed');
  const [tone, word] = failed ? (['failed', 'Failed'] as const) : (['inconclusive', 'Undecided'] as const);
  return { tone, headline: `${word}: ${stageName(cause)}`, ...decidedBy(cause) };
}

function decidedBy(decider: Stage): Pick<Conclusion, 'decider' | 'otherwise'> {
  return { decider, otherwise: `Look at the stage ${stageName(decider)} in the report.` };
}

function rolledBack(rollback: Stage, { cause, afterRollback }: Pick<Findings, 'cause' | 'afterRollback'>): Conclusion {
  const trigger = cause === rollback ? undefined : cause;
  const whatHappened = [trigger, rollback, afterRollback]
    .filter((stage) => stage !== undefined)
    .map(accountOf)
    .join(' ');
  if (isBroken(rollback)) return { tone: 'failed', headline: 'Rollback failed', whatHappened, ...decidedBy(rollback) };
  if (afterRollback !== undefined) {
    return { tone: 'failed', headline: `Rolled back, then failed: ${stageName(afterRollback)}`, whatHappened, ...decidedBy(afterRollback) };
  }
  // "Done" is only said on proof, by the digests of the action rollback.
  const headline = provenHeadlines[rollback.outputs['proof'] ?? ''];
  if (headline === undefined) return { tone: 'failed', headline: 'Rolled back, not proven', whatHappened, ...decidedBy(rollback) };
  const correction = trigger === undefined ? 'Correct the cause' : `Correct what made ${stageName(trigger)} fail`;
  const otherwise = `The data needs nothing. ${correction}, then start the workflow again.`;
  return { tone: 'restored', headline, whatHappened, decider: rollback, otherwise };
}

const provenHeadlines: Readonly<Record<string, string>> = {
  equal: 'Rolled back, proven',
  'equal-with-later-writes': 'Rolled back, proven, later writes kept',
  'equal-to-backup': 'Rolled back to the backup, proven',
};

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

/** Stages that only read say little about the data: the last stage that may have changed it knows. */
function stateOfData(stages: readonly Stage[]): string | undefined {
  const spoken = stages.filter(({ dataState }) => dataState !== undefined);
  return (spoken.findLast(changesData) ?? spoken.at(-1))?.dataState;
}

function changesData({ action, mode = '' }: Stage): boolean {
  return ['migrate apply', 'rollback apply', 'backup restore'].includes(`${action} ${mode}`);
}

/** The advice of the stage that decided; when all went well that of the last stage, because later stages may have followed earlier advice. */
function nextStep(stages: readonly Stage[], { tone, decider, otherwise }: Conclusion): string {
  const advice = decider?.nextStep ?? decider?.error?.remedy;
  const lastAdvice = tone === 'passed' || tone === 'warned' ? stages.at(-1)?.nextStep : undefined;
  return sentence(advice ?? lastAdvice ?? otherwise);
}

function sentence(text: string): string {
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}
