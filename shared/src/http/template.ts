const placeholder = /\{\{\s*([A-Za-z][\w-]*)\s*\}\}/g;
const onlyPlaceholder = /^\{\{\s*([A-Za-z][\w-]*)\s*\}\}$/;

/** Gives the value of a name in `{{name}}`. Must know every name that it is asked for. */
export type Lookup = (name: string) => unknown;

/** The names in `{{…}}` of `text`, in order. */
export function namesIn(text: string): readonly string[] {
  return [...text.matchAll(placeholder)].map(([, name = '']) => name);
}

/** The names in `{{…}}` of all texts in a JSON value. */
export function namesInJson(value: unknown): readonly string[] {
  if (typeof value === 'string') return namesIn(value);
  if (typeof value === 'object' && value !== null) return Object.values(value).flatMap(namesInJson);
  return [];
}

/** `text` with every `{{name}}` replaced; `encode` is applied to what is put in, for example `encodeURIComponent` in a path. */
export function renderText(text: string, lookup: Lookup, encode: (value: string) => string = (value) => value): string {
  return text.replace(placeholder, (_, name: string) => encode(asText(lookup(name))));
}

/** A JSON value with every `{{name}}` in its texts replaced. A text that is one placeholder alone becomes the value with its own type. */
export function renderJson(value: unknown, lookup: Lookup): unknown {
  if (typeof value === 'string') {
    const alone = onlyPlaceholder.exec(value)?.[1];
    return alone === undefined ? renderText(value, lookup) : lookup(alone);
  }
  if (Array.isArray(value)) return value.map((item) => renderJson(item, lookup));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, renderJson(member, lookup)]));
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
