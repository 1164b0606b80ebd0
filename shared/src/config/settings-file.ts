import type { ZodType } from 'zod';
import { parseYaml, placeOf, unknownKey } from '../action/config-file.ts';
import type { Problem } from '../action/parse.ts';
import { invalid } from '../action/prepare.ts';

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
  throw invalid(
    parsed.error.issues.flatMap((issue): Problem[] => {
      if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(source, [...issue.path, key], []));
      return [{ subject: issue.path.join('.') || 'the file', message: issue.message, place: placeOf(source, issue.path) }];
    }),
  );
}
