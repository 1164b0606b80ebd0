import { formatDuration } from './duration.ts';
import { html, type Markup } from './markup.ts';
import type { RunReport, Stage } from './run-report.ts';
import { reasonOf, stageName } from './stage.ts';
import { verdictOf, type Tone, type Verdict } from './verdict.ts';
import { webAddress } from './web-address.ts';

/** Who to call, as written in the configuration. */
export interface Contact {
  readonly name: string;
  /** A telephone number, a channel, an address. */
  readonly reach?: string | undefined;
}

export interface EmailBodies {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** Mail programs drop style sheets, so that each element carries its style. */
const colours: Readonly<Record<Tone, string>> = {
  passed: '#1a7f37',
  warned: '#8a5a00',
  failed: '#c11c28',
  inconclusive: '#59636e',
  restored: '#6639ba',
};

/** The run as an e-mail: the verdict in the subject, the three answers first. */
export function renderEmail(report: RunReport, contacts: readonly Contact[] = []): EmailBodies {
  const verdict = verdictOf(report);
  const { run } = report;
  const subject = [run.database, run.environment].filter((name) => name !== undefined).join(' in ') || run.repository;
  return {
    subject: oneLine(`[Migration Guard] ${verdict.headline}: ${subject}`).slice(0, 200),
    text: textBody(report, verdict, contacts),
    html: htmlBody(report, verdict, contacts).markup,
  };
}

function textBody({ run, stages }: RunReport, verdict: Verdict, contacts: readonly Contact[]): string {
  const lines = [
    verdict.headline.toUpperCase(),
    '',
    ...answers(verdict).flatMap(([title, answer]) => [`${title}:`, `  ${oneLine(answer)}`, '']),
    ...(stages.length === 0 ? [] : ['Stages:', ...stages.map((stage) => `  ${oneLine(stageLine(stage))}`), '']),
    ...(contacts.length === 0 ? [] : ['Contacts:', ...contacts.map((contact) => `  ${oneLine(contactLine(contact))}`), '']),
    oneLine(`${run.repository}, ${run.workflow} ${run.runId}, attempt ${run.attempt}`),
    webAddress(run.url) ?? '',
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}

function htmlBody({ run, stages }: RunReport, verdict: Verdict, contacts: readonly Contact[]): Markup {
  const address = webAddress(run.url);
  const name = `${run.repository}, ${run.workflow} ${run.runId}, attempt ${run.attempt}`;
  const colour = colours[verdict.tone];
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <title>${verdict.headline}</title>
      </head>
      <body style="margin:0;padding:16px;background:#ffffff;color:#1f2328;font:16px/1.5 sans-serif">
        <div style="max-width:640px">
          <h1 style="margin:0 0 16px;padding-left:12px;border-left:6px solid ${colour};font-size:24px;color:${colour}">
            ${verdict.headline}
          </h1>
          ${answers(verdict).map(([title, answer]) => html`<p style="margin:0 0 12px"><strong>${title}</strong><br />${answer}</p>`)}
          ${
            stages.length === 0
              ? undefined
              : html`<ul style="margin:16px 0;padding-left:20px">
                  ${stages.map(stageItem)}
                </ul>`
          }
          ${
            contacts.length === 0
              ? undefined
              : html`<p style="margin:0 0 12px">
                  <strong>Contacts</strong>${contacts.map((contact) => html`<br />${contactLine(contact)}`)}
                </p>`
          }
          <p style="margin:0;font-size:14px">${address === undefined ? name : html`<a href="${address}">${name}</a>`}</p>
        </div>
      </body>
    </html>`;
}

function answers({ whatHappened, dataState, nextStep }: Verdict): readonly (readonly [string, string])[] {
  return [
    ['What happened', whatHappened],
    ['State of the data', dataState],
    ['Next step', nextStep],
  ];
}

function stageLine(stage: Stage): string {
  const line = `${stageName(stage)} ${stage.result} in ${formatDuration(stage.milliseconds)}`;
  const why = stage.result === 'passed' ? undefined : reasonOf(stage);
  return why === undefined ? line : `${line}: ${why}`;
}

function stageItem(stage: Stage): Markup {
  return html`<li style="color:${colours[stage.result]}">${stageLine(stage)}</li>`;
}

function contactLine({ name, reach }: Contact): string {
  return reach === undefined ? name : `${name}: ${reach}`;
}

/** Keeps a text from starting a header or a line of its own. */
function oneLine(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u0020\u007F]+/g, ' ').trim();
}
