import { formatDuration } from './duration.ts';
import { visible } from './markup.ts';
import type { Finding, RunReport, Stage, Table } from './run-report.ts';
import { bySeverity, place, reasonOf, stageName } from './stage.ts';
import { verdictOf, type Tone } from './verdict.ts';
import { webAddress } from './web-address.ts';

/** GitHub shows nothing at all of a step summary above 1 MiB, so that there is room for what other tools add to the same step. */
const summaryBytes = 900_000;
const shownRows = 100;
/** Tables with more rows than this are folded. */
const unfoldedRows = 10;

const marks: Readonly<Record<Tone, string>> = { passed: '✅', warned: '⚠️', failed: '❌', inconclusive: '❔', restored: '↩️' };
const severityMarks = { error: '❌', warning: '⚠️', note: 'ℹ️' } as const;

/** One stage as GitHub-flavoured markdown for the job summary of its step. */
export function renderStage(stage: Stage): string {
  return truncate(stageSection(stage));
}

/** The whole run as GitHub-flavoured markdown: verdict, what happened, state of the data and next step first. */
export function renderReport(report: RunReport, maximumBytes = summaryBytes): string {
  const verdict = verdictOf(report);
  const { run } = report;
  const facts = [
    run.environment === undefined ? undefined : `environment ${escape(run.environment)}`,
    run.database === undefined ? undefined : `database ${escape(run.database)}`,
    run.sha === '' ? undefined : `commit ${code(run.sha.slice(0, 8))}`,
    link(`run ${run.runId}, attempt ${run.attempt}`, run.url),
  ].filter((fact) => fact !== undefined);
  const lines = [
    `## ${marks[verdict.tone]} ${escape(verdict.headline)}`,
    `**What happened:** ${escape(verdict.whatHappened)}`,
    `**State of the data:** ${escape(verdict.dataState)}`,
    `**Next step:** ${escape(verdict.nextStep)}`,
    ...(facts.length === 0 ? [] : [facts.join(' · ')]),
    ...(report.stages.length === 0 ? [] : [overview(report.stages)]),
    ...report.stages.map(stageSection),
  ];
  return truncate(`${lines.join('\n\n').trimEnd()}\n`, maximumBytes);
}

/**
 * Cuts markdown to at most `maximumBytes` of UTF-8, at the end of a line, closes what the cut left open, and says so. Text that fits is
 * returned as it is.
 */
export function truncate(markdown: string, maximumBytes = summaryBytes): string {
  if (Buffer.byteLength(markdown) <= maximumBytes) return markdown;
  const note = '\n\n> ✂️ Cut here: the rest is too long for this place. The page and the run report hold everything.\n';
  const closing = '\n\n</details>';
  const budget = maximumBytes - Buffer.byteLength(note) - Buffer.byteLength(closing);
  // A cut inside of a character decodes to U+FFFD, in the last line, which is dropped.
  const head = Buffer.from(markdown).subarray(0, Math.max(0, budget)).toString();
  const kept = head.slice(0, Math.max(0, head.lastIndexOf('\n')));
  const open = kept.split('<details>').length - kept.split('</details>').length;
  return `${kept}${open > 0 ? closing : ''}${note}`;
}

function stageSection(stage: Stage): string {
  const { reason, error, dataState, nextStep } = stage;
  const parts = [
    `### ${marks[stage.result]} ${escape(stageName(stage))} · ${stage.result} in ${formatDuration(stage.milliseconds)}`,
    reason === undefined || error !== undefined ? undefined : escape(reason),
    error === undefined ? undefined : `**${code(error.code)}** ${escape(error.message)}`,
    error === undefined ? undefined : `**What to do:** ${escape(error.remedy)}`,
    dataState === undefined ? undefined : `**State of the data:** ${escape(dataState)}`,
    nextStep === undefined ? undefined : `**Next step:** ${escape(nextStep)}`,
    stage.figures.length === 0 ? undefined : figures(stage),
    stage.findings.length === 0 ? undefined : findings(stage.findings),
    ...stage.tables.map(table),
  ];
  return `${parts.filter((part) => part !== undefined).join('\n\n')}\n`;
}

function overview(stages: readonly Stage[]): string {
  const rows = stages.map((stage) => [
    escape(stageName(stage)),
    `${marks[stage.result]} ${stage.result}`,
    formatDuration(stage.milliseconds),
    escape(reasonOf(stage) ?? ''),
  ]);
  return grid(['Stage', 'Result', 'Time', 'Why'], rows);
}

function figures({ figures: pairs }: Stage): string {
  return grid(
    ['Figure', 'Value'],
    pairs.map(({ name, value }) => [escape(name), escape(value)]),
  );
}

function findings(all: readonly Finding[]): string {
  const shown = bySeverity(all).slice(0, shownRows);
  const lines = shown.map((finding) => {
    const where = finding.place === undefined ? '' : ` (${code(place(finding.place))})`;
    return `- ${severityMarks[finding.severity]} ${code(finding.rule)} ${escape(finding.message)}${where}`;
  });
  return [...lines, ...more(all.length - shown.length, 'findings')].join('\n');
}

function table({ title, columns, rows }: Table): string {
  const shown = rows.slice(0, shownRows);
  const body = grid(
    columns.map((column) => escape(column)),
    shown.map((row) => row.map((cell) => escape(cell))),
  );
  const rest = more(rows.length - shown.length, 'rows').join('');
  const content = rest === '' ? body : `${body}\n\n${rest}`;
  if (rows.length <= unfoldedRows) return `**${escape(title)}**\n\n${content}`;
  return `<details><summary>${withoutElements(title)} (${rows.length})</summary>\n\n${content}\n\n</details>`;
}

function more(count: number, what: string): readonly string[] {
  return count > 0 ? [`… and ${count} more ${what} in the page and the run report.`] : [];
}

/** A table of cells that are markdown already. */
function grid(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(columns), line(columns.map(() => '---')), ...rows.map((row) => line(columns.map((_, index) => row[index] ?? '')))].join(
    '\n',
  );
}

/** One line of text that GitHub shows as it is: no markup, no table border, no mention, no issue reference, no formula. */
export function escape(text: string): string {
  return withoutElements(text)
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/[\\`*_[\]|~$]/g, String.raw`\$&`)
    .replace(/^([-+=]|#+(?=\s|$))/, String.raw`\$1`)
    .replace(/^(\d+)([.)])(?=\s|$)/, String.raw`$1\$2`)
    .replace(/[@#](?=\w)/g, '$&<!-- -->');
}

/** Text in which GitHub finds no element and no entity. */
function withoutElements(text: string): string {
  return visible(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** A code span, outside of tables (which know no `|` in it): its fence is longer than any run of backticks inside. */
function code(text: string): string {
  const line = visible(text).replace(/\s+/g, ' ');
  const longest = Math.max(0, ...[...line.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return longest === 0 ? `${fence}${line}${fence}` : `${fence} ${line} ${fence}`;
}

/** A link, or nothing when the address is none of the web. */
function link(text: string, url: string): string | undefined {
  const address = webAddress(url)?.replaceAll('(', '%28').replaceAll(')', '%29');
  return address === undefined ? undefined : `[${escape(text)}](${address})`;
}
