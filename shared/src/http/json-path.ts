/** Steps into a JSON value: names of members and positions in arrays. */
export type JsonPath = readonly (string | number)[];

const step = /\.([A-Za-z_][\w-]*)|\['([^']*)'\]|\[(\d+)\]/y;

/**
 * Reads `$`, `$.order.id`, `$.items[0].sku`, `$['name with blank']`: the part of RFC 9535 that names exactly one value. `undefined` for
 * anything else; nothing is ever evaluated.
 */
export function parseJsonPath(text: string): JsonPath | undefined {
  if (!text.startsWith('$')) return undefined;
  const path: (string | number)[] = [];
  step.lastIndex = 1;
  while (step.lastIndex < text.length) {
    const [, name, quoted, position] = step.exec(text) ?? [];
    const member = name ?? quoted;
    if (member !== undefined) path.push(member);
    else if (position !== undefined) path.push(Number(position));
    else return undefined;
  }
  return path;
}

/** The value at `path`, `undefined` where there is none. JSON holds no `undefined`, so the two never mix. */
export function valueAt(value: unknown, path: JsonPath): unknown {
  return path.reduce<unknown>((parent, key) => {
    if (typeof parent !== 'object' || parent === null) return undefined;
    if (Array.isArray(parent)) return typeof key === 'number' ? (parent[key] as unknown) : undefined;
    return Object.hasOwn(parent, key) ? (parent as Record<string, unknown>)[key] : undefined;
  }, value);
}
