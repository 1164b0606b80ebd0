import type { Document } from 'mongodb';

/**
 * The paths that an update can change, by its modifiers or its pipeline; `undefined` when it can be any, as for a replacement. A path ends
 * before its first positional part.
 */
export function updatedFields(update: unknown): readonly string[] | undefined {
  if (Array.isArray(update)) return fieldsOfPipeline(update as readonly Document[]);
  if (update === null || typeof update !== 'object') return undefined;
  const operators = Object.entries(update) as [string, Document | null | undefined][];
  if (operators.length === 0 || operators.some(([name]) => !name.startsWith('$'))) return undefined;
  const paths = new Set<string>();
  for (const [name, modified] of operators) {
    for (const path of Object.keys(modified ?? {})) {
      paths.add(withoutPositions(path));
      if (name === '$rename') paths.add(withoutPositions(String(modified?.[path])));
    }
  }
  return [...paths];
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
  if (!path.includes('$')) return path;
  const parts = path.split('.');
  const first = parts.findIndex((part) => part.startsWith('$'));
  return first === -1 ? path : parts.slice(0, first).join('.');
}
