interface CodeEntry {
  readonly summary: string;
  readonly remedy: string;
}

/** docs/errors.md: every code with its meaning and remedy, by area. */
export function renderErrorPage(codes: Readonly<Record<string, CodeEntry>>): string {
  const areas = Map.groupBy(Object.entries(codes), ([code]) => code.split('/')[0] ?? '');
  const sections = [...areas].sort(([a], [b]) => (a < b ? -1 : 1)).map(([area, entries]) => renderArea(area, entries));
  return [
    '<!-- Generated from shared/src/errors/codes.ts by `npm run generate`: do not edit. -->',
    '# Error codes',
    '',
    'Every failure carries one of these stable codes, says what happened on what, and what to do. A code in a log can be searched here.',
    '',
    ...sections,
  ].join('\n');
}

function renderArea(area: string, entries: readonly (readonly [string, CodeEntry])[]): string {
  const body = entries.map(([code, { summary, remedy }]) => `### \`${code}\`\n${summary}\n\n**What to do:** ${remedy}\n`);
  return [`## ${area}`, '', ...body].join('\n');
}
