import path from 'node:path';
import { openFile, type Source } from './file.ts';
import { parseMigration } from './parse.ts';
import { fileRules, folderRules } from './rules/all.ts';
import type { LintSettings } from './settings.ts';
import { isSuppressed, suppressionsOf, suppressionWithoutReason } from './suppress.ts';

export interface LintFinding {
  readonly code: string;
  readonly severity: 'error' | 'warning' | 'note';
  /** What is wrong, and what to do. */
  readonly message: string;
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
}

const order = ['error', 'warning', 'note'];

/**
 * Lints `sources`; `names` are those of all files of their folder, of which only the ones in `sources` get findings. The most severe
 * findings come first. What cannot be parsed has no finding: loading it names the fault. Pure.
 */
export function lint(sources: readonly Source[], names: readonly string[], settings: LintSettings): readonly LintFinding[] {
  const ofFolder = folderRules.flatMap((rule) =>
    rule.checkNames(names).flatMap(({ name, message }) => {
      const source = sources.find(({ file }) => path.basename(file) === name);
      return source === undefined ? [] : [finding(rule, `${message} ${rule.advice}`, { file: source.file, line: 1, column: 1 })];
    }),
  );
  return [...ofFolder, ...sources.flatMap((source) => lintOne(source, settings))]
    .flatMap((found) => configured(found, settings))
    .sort(bySeverity);
}

function lintOne(source: Source, settings: LintSettings): readonly LintFinding[] {
  const { file } = source;
  const parsed = parseMigration(file, source.text);
  if (parsed === undefined) return [];
  const opened = openFile(source, parsed, settings);
  const suppressions = suppressionsOf(parsed.comments);
  const found = fileRules.flatMap((rule) =>
    rule.check(opened).map(({ node, message }) => {
      const { line = 1, column = 0 } = node.loc?.start ?? {};
      return finding(rule, `${message} ${rule.advice}`, { file, line, column: column + 1 });
    }),
  );
  const faulty = suppressions.filter(({ reason, codes }) => reason === undefined || codes.length === 0);
  const { summary, advice } = suppressionWithoutReason;
  return [
    ...found.filter(({ code, line }) => !isSuppressed(code, line, suppressions)),
    ...faulty.map(({ line }) => finding(suppressionWithoutReason, `${summary} ${advice}`, { file, line, column: 1 })),
  ];
}

type Place = Pick<LintFinding, 'file' | 'line' | 'column'>;

function finding({ code, severity }: Pick<LintFinding, 'code' | 'severity'>, message: string, place: Place): LintFinding {
  return { code, severity, message, ...place };
}

/** The severity that the configuration wants, or nothing when it is off. */
export function configured(found: LintFinding, { rules, paths }: LintSettings): LintFinding[] {
  const forPath = Object.entries(paths).filter(([glob]) => path.matchesGlob(found.file, glob));
  const level = forPath.map(([, levels]) => levels[found.code]).findLast((known) => known !== undefined) ?? rules[found.code];
  if (level === 'off') return [];
  return [level === undefined ? found : { ...found, severity: level }];
}

export function bySeverity(a: LintFinding, b: LintFinding): number {
  return order.indexOf(a.severity) - order.indexOf(b.severity) || (a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line);
}
