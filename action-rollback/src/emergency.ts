import path from 'node:path';
import type { Contact } from '@migration-guard/shared/config/report';
import { GuardError, toError } from '@migration-guard/shared/errors/guard-error';
import { runReport, type RunReport, type Stage } from '@migration-guard/shared/report/run-report';
import type { RollbackContext, RollbackInputs } from './contract.ts';

/** What is known when a rollback fails; it grows while the rollback goes on. */
export interface Emergency {
  /** Whether something was changed and is not proven yet. */
  begun: boolean;
  /** What a person does by hand. */
  steps: string;
  /** The state of the data, once something was changed. */
  dataState: string | undefined;
}

interface Parts {
  readonly inputs: Pick<RollbackInputs, 'slackWebhook' | 'smtpUrl' | 'emailTo' | 'emailFrom'>;
  readonly context: RollbackContext;
}

/** Tells people at once that a rollback failed: who is to be called, the state of the data, the steps to do by hand. Never throws. */
export async function raiseAlarm(thrown: unknown, emergency: Emergency, { inputs, context }: Parts): Promise<void> {
  const { log, stage, settings } = context;
  const nextStep = [callText(settings.contacts), emergency.steps].filter((text) => text !== '').join(' ');
  stage.nextStep(nextStep);
  const report = await reportWith(alarmStage(thrown, { ...emergency, steps: nextStep }, context), context);
  // A cancel has aborted the signal of the run; the alarm has a short time of its own.
  const signal = AbortSignal.timeout(context.signal.aborted ? 3_000 : 30_000);
  for (const { name, send } of channels(inputs, { report, contacts: settings.contacts, signal })) {
    await send().then(
      () => log.info(`The alarm is raised: ${name}.`),
      (error: unknown) => log.warning(`The alarm could not be raised by ${name}: ${toError(error).message}`),
    );
  }
}

function callText(contacts: readonly Contact[]): string {
  if (contacts.length === 0) return '';
  return `Call ${contacts.map(({ name, reach }) => (reach === undefined ? name : `${name} (${reach})`)).join(', then ')}.`;
}

function alarmStage(thrown: unknown, { steps, dataState }: Emergency, { now }: RollbackContext): Stage {
  const error = thrown instanceof GuardError ? thrown : new GuardError('internal/bug', toError(thrown).message);
  const { code, message, remedy } = error;
  return {
    action: 'rollback',
    mode: 'apply',
    title: 'Rollback',
    startedAt: now().toISOString(),
    milliseconds: 0,
    result: 'failed',
    reason: message,
    error: { code, message, remedy },
    dataState: dataState ?? 'Nothing was changed by the rollback: the database is as the migration left it.',
    nextStep: steps,
    figures: [],
    tables: [],
    findings: [],
    outputs: { proof: 'failed' },
  };
}

async function reportWith(stage: Stage, { runFolder, run }: RollbackContext): Promise<RunReport> {
  const earlier = await runReport.read(path.join(runFolder, 'run-report.json')).catch(() => undefined);
  return { version: 1, run, stages: [...(earlier?.stages ?? []), stage] };
}

interface Alarm {
  readonly report: RunReport;
  readonly contacts: readonly Contact[];
  readonly signal: AbortSignal;
}

function channels(
  { slackWebhook, smtpUrl, emailTo, emailFrom }: Parts['inputs'],
  { report, contacts, signal }: Alarm,
): readonly { readonly name: string; readonly send: () => Promise<void> }[] {
  const slack = async (): Promise<void> => {
    if (slackWebhook === undefined) return;
    const { postToSlack } = await import('@migration-guard/shared/notify/slack');
    const { renderSlack } = await import('@migration-guard/shared/report/slack');
    const mentions = contacts.flatMap(({ slack: id }) => id ?? []);
    await postToSlack(slackWebhook, renderSlack(report, mentions), signal);
  };
  const email = async (): Promise<void> => {
    if (smtpUrl === undefined) return;
    const { sendEmail } = await import('@migration-guard/shared/notify/email');
    const { renderEmail } = await import('@migration-guard/shared/report/email');
    const { renderPage } = await import('@migration-guard/shared/report/html');
    await sendEmail(smtpUrl, { ...renderEmail(report, contacts), from: emailFrom, to: emailTo ?? [], page: renderPage(report) }, signal);
  };
  return [
    ...(slackWebhook === undefined ? [] : [{ name: 'Slack', send: slack }]),
    ...(smtpUrl === undefined ? [] : [{ name: 'e-mail', send: email }]),
  ];
}
