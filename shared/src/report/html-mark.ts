import { html, type Markup } from './markup.ts';
import type { Tone } from './verdict.ts';

/** Strokes within a square of 24, drawn upon a disc of the tone's colour. */
const strokes: Readonly<Record<Tone, Markup>> = {
  passed: html`<path d="m7 12.5 3.4 3.4L17 9" />`,
  warned: html`<path d="M12 6.8v6.4M12 17v.1" />`,
  failed: html`<path d="m8 8 8 8m0-8-8 8" />`,
  inconclusive: html`<path d="M9.2 9.6a2.8 2.8 0 1 1 4 2.6c-.8.4-1.2 1-1.2 1.9M12 17.2v.1" />`,
  restored: html`<path d="M7.5 9.5h6a3.4 3.4 0 0 1 0 6.8H10M10.3 6.6 7.4 9.5l2.9 2.9" />`,
};

/** The sign of a result. It says nothing that the text beside it does not say. */
export function mark(tone: Tone): Markup {
  return html`<svg class="mark ${tone}" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true">
    <circle cx="12" cy="12" r="11" />
    ${strokes[tone]}
  </svg>`;
}
