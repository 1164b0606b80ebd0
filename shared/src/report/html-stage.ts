import { formatDuration } from './duration.ts';
import { mark } from './html-mark.ts';
import { html, type Markup } from './markup.ts';
import type { Finding, Stage, Table } from './run-report.ts';
import { bySeverity, place, stageName } from './stage.ts';

/** A browser slows down with more; the run report holds all of them. */
const shownRows = 2_000;
/** Tables with more rows than this are folded. */
const unfoldedRows = 12;

/** Everything that one stage said. `index` counts from 0 and makes the ids. */
export function stageSection(stage: Stage, index: number): Markup {
  const id = `stage-${index + 1}`;
  const { reason, error, dataState, nextStep, figures, findings, tables } = stage;
  return html`<section class="stage ${stage.result}" id="${id}" aria-labelledby="${id}-title">
    <h2 id="${id}-title">
      ${mark(stage.result)}<span>${stageName(stage)} <small>${stage.result} in ${formatDuration(stage.milliseconds)}</small></span>
    </h2>
    ${reason === undefined || error !== undefined ? undefined : html`<p>${reason}</p>`} ${error === undefined ? undefined : errorBox(error)}
    ${sentences([
      ['State of the data', dataState],
      ['Next step', nextStep],
    ])}
    ${figures.length === 0 ? undefined : figureList(figures)} ${findings.length === 0 ? undefined : findingList(findings)}
    ${tables.map((table, number) => dataTable(table, `${id}-table-${number + 1}`))} ${outputs(stage)}
  </section> `;
}

function errorBox({ code, message, remedy }: NonNullable<Stage['error']>): Markup {
  return html`<div class="error">
    <p><code>${code}</code> ${message}</p>
    <p><strong>What to do:</strong> ${remedy}</p>
  </div>`;
}

function sentences(pairs: readonly (readonly [string, string | undefined])[]): readonly Markup[] {
  return pairs.flatMap(([name, text]) => (text === undefined ? [] : [html`<p><strong>${name}:</strong> ${text}</p>`]));
}

function figureList(figures: Stage['figures']): Markup {
  return html`<dl class="figures">
    ${figures.map(
      ({ name, value }) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`;
}

function findingList(findings: readonly Finding[]): Markup {
  const shown = bySeverity(findings).slice(0, shownRows);
  return html`<h3>Findings</h3>
    <ul class="findings">
      ${shown.map(finding)}${more(findings.length - shown.length)}
    </ul>`;
}

function finding(found: Finding): Markup {
  const where = found.place === undefined ? undefined : html` <span class="place">${place(found.place)}</span>`;
  return html`<li class="${found.severity}"><strong>${found.severity}</strong> <code>${found.rule}</code> ${found.message}${where}</li>`;
}

function dataTable({ title, columns, rows }: Table, id: string): Markup {
  const shown = rows.slice(0, shownRows);
  const numeric = columns.map((_, column) => isNumeric(shown.map((row) => row[column] ?? '')));
  const body = shown.map(
    (row) =>
      html`<tr>
        ${columns.map((_, column) => cell(row[column] ?? '', numeric[column] === true))}
      </tr>`,
  );
  const table = html`<div class="scroll" role="region" tabindex="0" aria-labelledby="${id}">
      <table aria-labelledby="${id}">
        <thead>
          <tr>
            ${columns.map((column, index) => html`<th scope="col" ${numeric[index] === true ? html` class="number"` : undefined}>${column}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${body}
        </tbody>
      </table>
    </div>
    ${
      rows.length > shown.length
        ? html`<ul>
            ${more(rows.length - shown.length)}
          </ul>`
        : undefined
    }`;
  if (rows.length <= unfoldedRows)
    return html`<h3 id="${id}">${title}</h3>
      ${table}`;
  return html`<details>
    <summary>
      <h3 id="${id}">${title}</h3>
      <small>${rows.length} rows</small>
    </summary>
    ${table}
  </details>`;
}

function cell(text: string, numeric: boolean): Markup {
  return html`<td${numeric ? html` class="number"` : undefined}>${text}</td>`;
}

/** Whether the cells are numbers, with their unit if they have one, but for empty ones. */
function isNumeric(cells: readonly string[]): boolean {
  const filled = cells.filter((cell) => cell !== '' && cell !== '–');
  return filled.length > 0 && filled.every((cell) => /^[-+]?\d[\d,.]*\s?(%|ms|s|[KMGT]?i?B)?$/.test(cell));
}

function more(count: number): Markup | undefined {
  return count > 0 ? html`<li>… and ${count} more in the run report.</li>` : undefined;
}

function outputs({ outputs: values }: Stage): Markup | undefined {
  const pairs = Object.entries(values).filter(([, value]) => value !== '');
  if (pairs.length === 0) return undefined;
  return html`<details>
    <summary>Outputs</summary>
    <dl class="outputs">
      ${pairs.map(
        ([name, value]) =>
          html`<div>
            <dt>${name}</dt>
            <dd>${value}</dd>
          </div>`,
      )}
    </dl>
  </details>`;
}
