import type { ZodType } from 'zod';
import { invalid } from './problem.ts';
import { parseYaml, problemsOf } from './yaml-source.ts';

export interface SettingsFile<T> {
  readonly file: string;
  /** How the path is shown in messages. */
  readonly shownAs: string;
  readonly settings: ZodType<T>;
}

/**
 * Reads a YAML file that holds settings of one schema and nothing else, such as a scenario. Throws `config/not-found` and one
 * `config/invalid` that lists every problem with line and column.
 */
export async function readSettingsFile<T>({ file, shownAs, settings }: SettingsFile<T>): Promise<T> {
  const source = await parseYaml({ file, shownAs });
  const parsed = settings.safeParse(source.document.toJS() ?? {});
  if (parsed.success) return parsed.data;
  throw invalid(parsed.error.issues.flatMap((issue) => problemsOf(source, issue, { root: [], names: [] })));
}
