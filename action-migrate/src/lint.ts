import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Place } from '@migration-guard/shared/errors/guard-error';
import type { Log } from '@migration-guard/shared/log/log';
import type { MigrationFile } from '@migration-guard/shared/migration/files';
import type { LintFinding } from '@migration-guard/shared/migration/lint/run';
import type { LintSettings } from '@migration-guard/shared/migration/lint/settings';
import type { Project } from '@migration-guard/shared/migration/project';
import type { Finding } from '@migration-guard/shared/report/run-report';
import type { MigrateContext } from './contract.ts';
import { counted } from './counted.ts';

interface LintOptions {
  readonly project: Project;
  readonly files: readonly MigrationFile[];
  readonly context: MigrateContext;
  /** Codes of rules that are left out: what they suspect is proven otherwise. */
  readonly without?: readonly string[];
}

/** Name of the SARIF file in the run folder. */
export const sarifName = 'lint.sarif';

/** GitHub shows at most so many annotations of one level for a step. */
const annotationLimit = 10;

/** Checks files by the static rules and tells what they find. */
export async function lintFiles({ without = [], context, ...parts }: LintOptions): Promise<readonly Finding[]> {
  const found = await staticFindings({ ...parts, context });
  return tellFindings(
    found.filter(({ code }) => !without.includes(code)),
    context,
  );
}

const linter = () => import('@migration-guard/shared/migration/lint/run');

/** Loads the linter while there is nothing else to do. */
export function prepareLint({ settings }: Pick<MigrateContext, 'settings'>): void {
  // Who lints hears of a failure.
  if (settings.lint !== false) linter().catch(() => undefined);
}

/** What the static rules find in files; nothing where the configuration says `lint: false`. */
export async function staticFindings({
  project,
  files,
  context: { settings },
}: Omit<LintOptions, 'without'>): Promise<readonly LintFinding[]> {
  if (settings.lint === false) return [];
  const { lint } = await linter();
  const sources = await Promise.all(
    files.map(async (file) => ({ file: path.relative(project.workspace, file.path), text: await readFile(file.path, 'utf8') })),
  );
  const names = project.files.map(({ name }) => name);
  return lint(sources, names, lintSettings(settings.lint));
}

/**
 * Annotates findings at their lines and adds them to the stage. The SARIF file lies in the run folder, and is written without findings too,
 * so that an upload closes the old alerts.
 */
export async function tellFindings(found: readonly LintFinding[], context: MigrateContext): Promise<readonly Finding[]> {
  const { settings, runFolder, stage, log } = context;
  if (settings.lint === false) return [];
  const { renderSarif } = await import('@migration-guard/shared/migration/lint/sarif');
  const sarif = path.join(runFolder, sarifName);
  await writeFile(sarif, renderSarif(found));
  context.setOutput('sarif', sarif);
  const findings = found.map(toFinding);
  for (const finding of findings) stage.finding(finding);
  annotate(found, log);
  tell(found, context);
  return findings;
}

/** The part of the configuration, as the linter names it. */
export function lintSettings(configured: Exclude<MigrateContext['settings']['lint'], false>): LintSettings {
  const { rules, paths, 'big-collections': bigCollections, 'shard-keys': shardKeys, 'server-version': serverVersion } = configured;
  return { rules, paths, bigCollections, shardKeys, serverVersion };
}

function toFinding({ code, severity, message, file, line, column }: LintFinding): Finding {
  return { severity, rule: code, message, place: { file, line, column } };
}

const levels = ['error', 'warning', 'note'] as const;
const write = { error: 'error', warning: 'warning', note: 'notice' } as const;

function annotate(found: readonly LintFinding[], log: Log): void {
  for (const level of levels) {
    for (const { code, message, file, line, column } of found.filter(({ severity }) => severity === level).slice(0, annotationLimit)) {
      const place: Place = { file, line, column };
      log[write[level]](`${code}: ${message}`, place);
    }
  }
}

function tell(found: readonly LintFinding[], { stage }: MigrateContext): void {
  if (found.length === 0) return;
  const counts = levels.map((level) => ({ level, count: found.filter(({ severity }) => severity === level).length }));
  const shown = counts.filter(({ count }) => count > 0).map(({ level, count }) => counted(count, level));
  const more = counts.reduce((sum, { count }) => sum + Math.max(count - annotationLimit, 0), 0);
  stage.figure('Lint', `${shown.join(', ')}${more === 0 ? '' : ` (${more} more than are annotated)`}`);
  stage.table({
    title: 'Lint',
    columns: ['Rule', 'Severity', 'Place', 'Finding'],
    rows: [
      ...found.slice(0, annotationLimit).map(({ code, severity, file, line, message }) => [code, severity, `${file}:${line}`, message]),
      ...(found.length > annotationLimit ? [['', '', '', `${found.length - annotationLimit} more`]] : []),
    ],
  });
}
