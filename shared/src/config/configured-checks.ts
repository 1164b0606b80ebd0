import { stat } from 'node:fs/promises';
import type { z } from 'zod';
import { invalid } from './problem.ts';
import { settings } from './verify.ts';
import { parseYaml, problemsOf } from './yaml-source.ts';

const checks = settings.pick({ indexes: true, 'required-fields': true, queries: true, references: true, unique: true });

/** The checks of the section `verify` that need nothing to compare with. */
export type ConfiguredChecks = z.infer<typeof checks>;

/**
 * Reads them for whoever wants them to hold as well; `undefined` without the file or the section. The other settings there are for
 * action-verify to judge. Throws `config/invalid`.
 */
export async function readConfiguredChecks(file: string, shownAs: string): Promise<ConfiguredChecks | undefined> {
  if ((await stat(file).catch(() => undefined)) === undefined) return undefined;
  const source = await parseYaml({ file, shownAs });
  const { verify } = (source.document.toJS() ?? {}) as { readonly verify?: unknown };
  if (typeof verify !== 'object' || verify === null) return undefined;
  const parsed = checks.safeParse(Object.fromEntries(Object.entries(verify).filter(([key]) => key in checks.shape)));
  if (parsed.success) return parsed.data;
  throw invalid(parsed.error.issues.flatMap((issue) => problemsOf(source, issue, { root: ['verify'], names: [] })));
}
