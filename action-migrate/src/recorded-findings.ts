import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { settleRecorded } from '@migration-guard/shared/migration/lint/recorded';
import type { LintFinding } from '@migration-guard/shared/migration/lint/run';
import { renderSarif } from '@migration-guard/shared/migration/lint/sarif';
import type { Project } from '@migration-guard/shared/migration/project';
import type { Rehearsal } from '@migration-guard/shared/rehearsal/room';
import { recordedRules } from '@migration-guard/shared/rehearsal/rules/all';
import { checkObserved } from '@migration-guard/shared/rehearsal/rules/check';
import type { Finding } from '@migration-guard/shared/report/run-report';
import type { MigrateContext } from './contract.ts';
import { lintSettings, sarifName } from './lint.ts';

interface Recorded {
  readonly project: Project;
  readonly rehearsal: Rehearsal;
  /** What the static rules have found already. */
  readonly linted: readonly Finding[];
  readonly context: MigrateContext;
}

/**
 * The findings of the rules about what the migrations were seen to do, unless the configuration says `lint: false`. The SARIF file holds them
 * beside those of the static rules.
 */
export async function recordedFindings({ project, rehearsal, linted, context }: Recorded): Promise<readonly Finding[]> {
  const { lint } = context.settings;
  if (lint === false) return [];
  const observed = rehearsal.files.map((file) => file.observed).filter((one) => one !== undefined);
  const sources = await Promise.all(
    observed.map(async ({ step: { file } }) => ({
      file: path.relative(project.workspace, file.path),
      text: await readFile(file.path, 'utf8'),
    })),
  );
  const known = linted.flatMap(({ rule, place }) =>
    place?.line === undefined ? [] : [{ code: rule, file: place.file, line: place.line }],
  );
  const found = observed.flatMap((one) => checkObserved(one, project.workspace));
  const settled = settleRecorded(found, { sources, settings: lintSettings(lint), known });
  const all = [...linted.flatMap(toLintFinding), ...settled];
  await writeFile(path.join(context.runFolder, sarifName), renderSarif(all, recordedRules));
  return settled.map(({ code, severity, message, file, line, column }) => ({
    severity,
    rule: code,
    message,
    place: { file, line, column },
  }));
}

function toLintFinding({ rule: code, severity, message, place }: Finding): readonly LintFinding[] {
  return place === undefined ? [] : [{ code, severity, message, file: place.file, line: place.line ?? 1, column: place.column ?? 1 }];
}
