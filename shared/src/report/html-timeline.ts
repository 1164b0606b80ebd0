import { formatDuration } from './duration.ts';
import { html, type Markup } from './markup.ts';
import type { Stage } from './run-report.ts';
import { stageName } from './stage.ts';

/** What happened when: one row a stage, its bar on the time axis of the whole run. The rows lead to the sections of the stages. */
export function timeline(stages: readonly Stage[]): Markup {
  const begin = Math.min(...stages.map(({ startedAt }) => Date.parse(startedAt)));
  const end = Math.max(...stages.map(({ startedAt, milliseconds }) => Date.parse(startedAt) + milliseconds));
  const total = Math.max(1, end - begin);
  const rows = stages.map((stage, index) => {
    const left = ((Date.parse(stage.startedAt) - begin) / total) * 100;
    const width = (stage.milliseconds / total) * 100;
    // A bar has a smallest width; at the right end it grows to the left.
    return html`<li>
      <a href="#stage-${index + 1}">${stageName(stage)}</a>
      <span class="track" aria-hidden="true"
        ><span class="bar ${stage.result}" style="left:min(${left.toFixed(2)}%,100% - 6px);width:${width.toFixed(2)}%"></span
      ></span>
      <span class="word ${stage.result}">${stage.result}</span>
      <span class="time">${formatDuration(stage.milliseconds)}</span>
    </li>`;
  });
  return html`<section aria-labelledby="timeline">
    <h2 id="timeline">Timeline</h2>
    <ol class="timeline">
      ${rows}
    </ol>
  </section>`;
}
