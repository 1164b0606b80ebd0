import type { Document } from 'mongodb';

/**
 * The paths that an update can change, by its modifiers or its pipeline; `undefined` when it can be any, as for a replacement. A path ends
 * before its first positional part.
 */
export function updatedFields(update: unknown): readonly string[] | undefined {
  if (Array.isArray(update)) return fieldsOfPipeline(update as readonly Document[]);
  if (update === null || typeof update !== 'object') return undefined;
  const operators = Object.entries(update);
  if (operators.length === 0 || operators.some(([name]) => !name.startsWith('$'))) return undefined;
  const paths = operators.flatMap(([name, paths_]: [string, unknown]) => {
    const named = Object.entries((paths_ ?? {}) as Document);
    return named.flatMap(([path, value]: [string, unknown]) => (name === '$rename' ? [path, String(value)] : [path]));
  });
  return [...new Set(paths.map(withoutPositions))];
}

function fieldsOfPipeline(stages: readonly Document[]): readonly string[] | undefined {
  const paths: string[] = [];
  for (const stage of stages) {
    for (const [name, value] of Object.entries(stage) as [string, unknown][]) {
      if (name === '$set' || name === '$addFields') paths.push(...Object.keys(value as Document));
      else if (name === '$unset') paths.push(...(Array.isArray(value) ? (value as string[]) : [String(value)]));
      else return undefined;
    }
  }
  return [...new Set(paths)];
}

function withoutPositions(path: string): string {
  const parts = path.split('.');
  const first = parts.findIndex((part) => part.startsWith('$'));
  return first === -1 ? path : parts.slice(0, first).join('.');
}
