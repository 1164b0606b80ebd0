/** The style sheet of the page. Every pair of text and ground has a contrast of at least 4.5 : 1, in light and dark. */
export const style = `
:root {
  color-scheme: light dark;
  --ground: #f6f8fa; --card: #fff; --line: #d1d9e0; --text: #1f2328; --quiet: #59636e; --link: #0860ca; --on: #fff;
  --passed: #1a7f37; --warned: #8a5a00; --failed: #c11c28; --inconclusive: #59636e; --restored: #6639ba;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0d1117; --card: #151b23; --line: #3d444d; --text: #f0f6fc; --quiet: #9da7b3; --link: #6cb6ff; --on: #0d1117;
    --passed: #4cc764; --warned: #e0a62f; --failed: #ff7b72; --inconclusive: #9da7b3; --restored: #c297ff;
  }
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; -webkit-text-size-adjust: 100%; }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
body { margin: 0; padding: 0 16px 48px; background: var(--ground); color: var(--text); overflow-wrap: anywhere;
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", "DejaVu Sans", sans-serif; }
.passed { --tone: var(--passed); } .warned { --tone: var(--warned); } .failed { --tone: var(--failed); }
.inconclusive { --tone: var(--inconclusive); } .restored { --tone: var(--restored); }
header, main, footer { max-width: 1000px; margin: 0 auto; }
header { padding: 24px 0 8px; }
p, dl, ol, ul { margin: 0; padding: 0; }
dd { margin: 0; }
a { color: var(--link); }
a:focus-visible, summary:focus-visible, .scroll:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; border-radius: 4px; }
code { font: 600 0.875em/1.4 ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", "DejaVu Sans Mono", monospace; }
small { font-size: 0.875rem; font-weight: 400; color: var(--quiet); }
.product { font-weight: 600; color: var(--quiet); }
.product span { font-weight: 400; }
.product span::before { content: "/ "; }
h1 { display: flex; align-items: center; gap: 14px; margin: 8px 0 12px; font-size: clamp(1.625rem, 5vw, 2.375rem); line-height: 1.2; color: var(--tone); }
h2 { display: flex; align-items: flex-start; gap: 10px; margin: 0 0 12px; font-size: 1.25rem; line-height: 1.4; }
h3 { margin: 20px 0 8px; font-size: 1rem; }
.mark { flex: none; fill: var(--tone); stroke: var(--on); stroke-width: 2.2; stroke-linecap: round; stroke-linejoin: round; }
.mark circle { stroke: none; } .mark path { fill: none; }
h1 .mark { width: 1.15em; height: 1.15em; } h2 .mark { margin-top: 2px; }
.facts { display: flex; flex-wrap: wrap; gap: 4px 24px; font-size: 0.9375rem; }
.facts div { display: flex; gap: 6px; }
.facts dt { color: var(--quiet); }
.facts dd { font-weight: 600; }
.answers { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 260px), 1fr)); gap: 12px; margin: 12px 0 24px; }
.answers div { padding: 14px 16px; border: 1px solid var(--line); border-top: 4px solid var(--tone); border-radius: 8px; background: var(--card); }
.answers dt { margin-bottom: 4px; font-size: 0.875rem; font-weight: 600; color: var(--quiet); }
.answers .next { border-width: 2px; border-top-width: 4px; border-color: var(--tone); }
.answers .next dt { color: var(--tone); }
.answers .next dd { font-weight: 600; }
section { margin: 0 0 16px; padding: 18px 20px; border: 1px solid var(--line); border-radius: 8px; background: var(--card); }
.stage { border-left: 4px solid var(--tone); scroll-margin-top: 12px; }
.stage p + p { margin-top: 8px; }
.timeline { list-style: none; }
.timeline li { display: grid; grid-template-columns: minmax(9em, 14em) 1fr 7em 5.5em; align-items: center; gap: 12px; padding: 5px 0; border-top: 1px solid var(--line); }
.timeline li:first-child { border-top: 0; }
.track { position: relative; height: 16px; border-radius: 4px; background: var(--ground); box-shadow: inset 0 0 0 1px var(--line); overflow: hidden; }
.bar { position: absolute; top: 0; bottom: 0; min-width: 6px; border-radius: 4px; background: var(--tone); }
.word { color: var(--tone); font-weight: 600; font-size: 0.9375rem; }
.time { text-align: right; font-size: 0.9375rem; font-variant-numeric: tabular-nums; }
.error { margin: 8px 0; padding: 12px 14px; border: 1px solid var(--failed); border-radius: 6px; }
.error code { color: var(--failed); }
.figures { display: flex; flex-wrap: wrap; gap: 8px; margin: 14px 0 4px; }
.figures div { min-width: 125px; padding: 8px 12px; border-radius: 6px; background: var(--ground); }
.figures dt { font-size: 0.8125rem; color: var(--quiet); }
.figures dd { font-weight: 600; font-variant-numeric: tabular-nums; }
.findings { list-style: none; }
.findings li { padding: 6px 0 6px 12px; border-left: 3px solid var(--tone); }
.findings li + li { margin-top: 6px; }
.findings .error { --tone: var(--failed); margin: 0; border-width: 0 0 0 3px; border-radius: 0; }
.findings .error + li { margin-top: 6px; }
.findings .warning { --tone: var(--warned); } .findings .note { --tone: var(--inconclusive); }
.findings strong { color: var(--tone); }
.findings .error code { color: inherit; }
.place { color: var(--quiet); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; min-width: 100%; font-size: 0.9375rem; }
th, td { padding: 6px 14px 6px 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); overflow-wrap: normal; }
td { max-width: 34em; overflow-wrap: break-word; }
th { font-size: 0.875rem; color: var(--quiet); white-space: nowrap; }
.number + :not(.number) { padding-left: 14px; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
details { margin-top: 14px; }
summary { cursor: pointer; font-weight: 600; font-size: 0.9375rem; }
summary h3 { display: inline; font-size: 1rem; }
.outputs { margin-top: 6px; font-size: 0.9375rem; }
.outputs div { display: grid; grid-template-columns: minmax(8em, 12em) 1fr; gap: 12px; padding: 3px 0; }
.outputs dt { color: var(--quiet); }
footer { padding-top: 8px; font-size: 0.9375rem; color: var(--quiet); }
@media (max-width: 640px) {
  body { padding: 0 12px 32px; }
  section { padding: 14px; }
  .timeline li { grid-template-columns: 1fr auto; gap: 4px 12px; padding: 8px 0; }
  .timeline .track { grid-column: 1 / -1; order: 3; height: 10px; }
  .timeline .word { grid-column: 1 / -1; order: 4; }
  .outputs div { grid-template-columns: 1fr; gap: 0; }
  h2 small { display: block; }
}
@media print {
  :root { --ground: #fff; --card: #fff; --line: #c8c8c8; --text: #000; --quiet: #444; --link: #000; --on: #fff;
    --passed: #1a7f37; --warned: #8a5a00; --failed: #c11c28; --inconclusive: #59636e; --restored: #6639ba; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  body { padding: 0; font-size: 11pt; }
  .answers, .timeline li, .figures, .error, tr, h2, h3 { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  .scroll { overflow: visible; } td { overflow-wrap: anywhere; }
  details::details-content { content-visibility: visible; block-size: auto; }
}
`;
