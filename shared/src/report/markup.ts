/** HTML that is safe to show. Made by the tag `html` only. */
export interface Markup {
  readonly markup: string;
}

type Part = string | number | Markup | undefined | readonly Part[];

/** The text without control characters and marks that turn the direction of the text around them. */
export function visible(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F\u202A-\u202E\u2066-\u2069]/g, '\u{FFFD}');
}

/** The text as it must be written in the content of an element or in a quoted attribute. */
function escapeHtml(text: string): string {
  return visible(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/** A template for HTML: every text that is put in is escaped, HTML made by this tag is kept, lists are joined, `undefined` is nothing. */
export function html(literals: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return { markup: literals.map((literal, index) => literal + shown(parts[index])).join('') };
}

function shown(part: Part): string {
  if (part === undefined) return '';
  if (typeof part === 'string') return escapeHtml(part);
  if (typeof part === 'number') return String(part);
  if (isList(part)) return part.map(shown).join('');
  return part.markup;
}

function isList(part: Part): part is readonly Part[] {
  return Array.isArray(part);
}
