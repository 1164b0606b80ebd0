import { formatDuration } from './duration.ts';
import { stageSection } from './html-stage.ts';
import { style } from './html-style.ts';
import { timeline } from './html-timeline.ts';
import { mark } from './html-mark.ts';
import { html, type Markup } from './markup.ts';
import type { RunReport } from './run-report.ts';
import { verdictOf, type Verdict } from './verdict.ts';
import { webAddress } from './web-address.ts';

/**
 * The run as one HTML page that needs nothing else: no script, no other file, no network (its policy forbids them). The answers to
 * "what happened, what state is the data in, what now" stand first.
 */
export function renderPage(report: RunReport): string {
  const verdict = verdictOf(report);
  const { run, stages } = report;
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'" />
        <title>${verdict.headline} · ${run.repository}</title>
        <style>
          ${{ markup: style }}
        </style>
      </head>
      <body class="${verdict.tone}">
        <header>
          <p class="product">Migration Guard <span>${run.repository}</span></p>
          <h1>${mark(verdict.tone)}<span>${verdict.headline}</span></h1>
          ${facts(report)}
        </header>
        <main>
          ${answers(verdict)} ${stages.length === 0 ? undefined : timeline(stages)}
          ${stages.map((stage, index) => stageSection(stage, index))}
        </main>
        ${footer(report)}
      </body>
    </html>`;
  return `${page.markup}\n`;
}

function answers({ whatHappened, dataState, nextStep }: Verdict): Markup {
  return html`<dl class="answers">
    <div>
      <dt>What happened</dt>
      <dd>${whatHappened}</dd>
    </div>
    <div>
      <dt>State of the data</dt>
      <dd>${dataState}</dd>
    </div>
    <div class="next">
      <dt>Next step</dt>
      <dd>${nextStep}</dd>
    </div>
  </dl>`;
}

function facts({ run, stages }: RunReport): Markup {
  const first = stages[0]?.startedAt;
  const pairs: readonly (readonly [string, string | undefined])[] = [
    ['Environment', run.environment],
    ['Database', run.database],
    ['Commit', run.sha.slice(0, 8)],
    ['Started', first === undefined ? undefined : moment(first)],
    ['Took', first === undefined ? undefined : formatDuration(elapsed(stages))],
  ];
  const shown = pairs.filter(([, value]) => value !== undefined && value !== '');
  return html`<dl class="facts">
    ${shown.map(
      ([name, value]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`;
}

function footer({ run }: RunReport): Markup {
  const address = webAddress(run.url);
  const name = `${run.workflow === '' ? 'Run' : run.workflow} ${run.runId}, attempt ${run.attempt}`;
  return html`<footer>
    <p>
      ${address === undefined ? name : html`<a href="${address}">${name}</a>`}${run.job === '' ? undefined : ` · job ${run.job}`}${
        run.actor === '' ? undefined : ` · started by ${run.actor}`
      }${run.event === '' ? undefined : ` (${run.event})`}${run.ref === '' ? undefined : ` · ${run.ref}`}
    </p>
  </footer>`;
}

/** From the first start to the last end, milliseconds. */
function elapsed(stages: RunReport['stages']): number {
  const starts = stages.map(({ startedAt }) => Date.parse(startedAt));
  const ends = stages.map(({ startedAt, milliseconds }) => Date.parse(startedAt) + milliseconds);
  return Math.max(...ends) - Math.min(...starts);
}

function moment(iso: string): string {
  return `${iso.slice(0, 19).replace('T', ' ')} UTC`;
}
