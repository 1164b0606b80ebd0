import { formatDuration } from './duration.ts';
import type { RunReport, Stage } from './run-report.ts';
import { reasonOf, stageName } from './stage.ts';
import { verdictOf, type Tone } from './verdict.ts';
import { webAddress } from './web-address.ts';

/** Limits of Slack's Block Kit, characters. A message above one of them is refused as a whole. */
const headerLength = 150;
const textLength = 3_000;
const shownStages = 30;

export interface SlackText {
  readonly type: 'mrkdwn' | 'plain_text';
  readonly text: string;
  /** Slack turns no name in the text into a link or a mention. */
  readonly verbatim?: true;
}

export type SlackBlock =
  | { readonly type: 'header'; readonly text: SlackText }
  | { readonly type: 'section'; readonly text: SlackText }
  | { readonly type: 'context'; readonly elements: readonly SlackText[] };

export interface SlackMessage {
  /** For notifications and screen readers. */
  readonly text: string;
  readonly blocks: readonly SlackBlock[];
}

const marks: Readonly<Record<Tone, string>> = {
  passed: ':white_check_mark:',
  warned: ':warning:',
  failed: ':x:',
  inconclusive: ':grey_question:',
  restored: ':leftwards_arrow_with_hook:',
};

/** The run as a Slack message. `mentions` are ids of members (`U…`, `W…`) or user groups (`S…`) who are called when it is bad news. */
export function renderSlack(report: RunReport, mentions: readonly string[] = []): SlackMessage {
  const { run } = report;
  const verdict = verdictOf(report);
  const subject = [run.database, run.environment].filter((name) => name !== undefined).join(' in ') || run.repository;
  const called = verdict.alarming ? mentions.map(mention).join(' ') : '';
  const address = webAddress(run.url);
  const title = `run ${run.runId}, attempt ${run.attempt}`;
  const link = address === undefined ? escapeSlack(title) : `<${address}|${escapeSlack(title)}>`;
  return {
    text: cut(escapeSlack(`${verdict.headline}: ${subject}. ${verdict.whatHappened}`), textLength),
    blocks: [
      { type: 'header', text: { type: 'plain_text', text: plainCut(`${verdict.headline}: ${subject}`, headerLength) } },
      section(`${marks[verdict.tone]} *What happened*\n${escapeSlack(verdict.whatHappened)}`),
      section(`*State of the data*\n${escapeSlack(verdict.dataState)}`),
      section(`*Next step*\n${escapeSlack(verdict.nextStep)}${called === '' ? '' : `\n${called}`}`),
      ...(report.stages.length === 0 ? [] : [section(stageLines(report.stages))]),
      { type: 'context', elements: [markdown(`${escapeSlack(run.repository)} · ${escapeSlack(run.workflow)} · ${link}`)] },
    ],
  };
}

function stageLines(stages: readonly Stage[]): string {
  const lines = stages.slice(-shownStages).map((stage) => {
    const why = stage.result === 'passed' ? undefined : reasonOf(stage);
    const line = `${marks[stage.result]} ${escapeSlack(stageName(stage))}, ${formatDuration(stage.milliseconds)}`;
    return cut(why === undefined ? line : `${line}: ${escapeSlack(why)}`, 400);
  });
  return lines.join('\n');
}

function mention(id: string): string {
  return id.startsWith('S') ? `<!subteam^${id}>` : `<@${id}>`;
}

function section(text: string): SlackBlock {
  return { type: 'section', text: markdown(text) };
}

function markdown(text: string): SlackText {
  return { type: 'mrkdwn', text: cut(text, textLength), verbatim: true };
}

/** The three characters that Slack gives a meaning to in texts: https://docs.slack.dev/messaging/formatting-message-text#escaping */
function escapeSlack(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** Cuts escaped text, never inside of an entity or a link. */
function cut(text: string, length: number): string {
  if (text.length <= length) return text;
  return `${plainCut(text, length)
    .slice(0, -1)
    .replace(/&[a-z]{0,3}$|<[^>]*$/, '')}…`;
}

/** Cuts text, never inside of a character. */
function plainCut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
