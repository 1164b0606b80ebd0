import { GuardError } from '../errors/guard-error.ts';
import type { Stage } from '../report/run-report.ts';
import type { Outcome, StageNotes } from './context.ts';

/** How a stage ended: as the story says, or by an error. */
export type Ending = { readonly kind: 'outcome'; readonly outcome: Outcome } | { readonly kind: 'error'; readonly error: GuardError };

export interface StageRecorder extends StageNotes {
  output(name: string, value: string): void;
  finish(ending: Ending, finishedAt: Date): Stage;
}

/** Collects what a story says about itself into a stage of the run report. */
export function recordStage(
  about: { readonly action: string; readonly title: string; readonly mode: string | undefined },
  startedAt: Date,
): StageRecorder {
  const figures: { name: string; value: string }[] = [];
  const tables: Stage['tables'] = [];
  const findings: Stage['findings'] = [];
  const outputs: Record<string, string> = {};
  const sentences: { dataState?: string; nextStep?: string } = {};
  return {
    figure: (name, value) => void figures.push({ name, value: String(value) }),
    table: (table) => void tables.push(table),
    finding: (finding) => void findings.push(finding),
    dataState: (sentence) => void (sentences.dataState = sentence),
    nextStep: (sentence) => void (sentences.nextStep = sentence),
    output: (name, value) => void (outputs[name] = value),
    finish: (ending, finishedAt) => ({
      action: about.action,
      ...(about.mode === undefined ? {} : { mode: about.mode }),
      title: about.title,
      startedAt: startedAt.toISOString(),
      milliseconds: finishedAt.getTime() - startedAt.getTime(),
      ...endingFields(ending),
      ...sentences,
      figures,
      tables,
      findings,
      outputs,
    }),
  };
}

function endingFields(ending: Ending): Pick<Stage, 'result' | 'reason' | 'error'> {
  if (ending.kind === 'outcome') {
    const { result, reason } = ending.outcome;
    return { result, ...(reason === undefined ? {} : { reason }) };
  }
  const { code, message, remedy } = ending.error;
  return { result: 'failed', reason: message, error: { code, message, remedy } };
}
