/** A copy of `value` in which every occurrence of a secret form in any text, keys excepted, is replaced by `***`, longest form first. */
export function redact<T>(value: T, forms: readonly string[]): T {
  const longestFirst = [...forms].sort((a, b) => b.length - a.length);
  const visit = (part: unknown): unknown => {
    if (typeof part === 'string') return longestFirst.reduce((text, form) => text.replaceAll(form, '***'), part);
    if (Array.isArray(part)) return part.map(visit);
    if (typeof part !== 'object' || part === null) return part;
    return Object.fromEntries(Object.entries(part).map(([key, child]) => [key, visit(child)]));
  };
  return visit(value) as T;
}
