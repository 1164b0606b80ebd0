import { GuardError, type Place } from '@migration-guard/shared/errors/guard-error';
import type { MigrationFile } from '@migration-guard/shared/migration/files';
import type { AppliedMigration } from '@migration-guard/shared/migration/history/history';
import { appliedHashes, type JournalEntry } from '@migration-guard/shared/migration/journal';
import { isNamed, renamed, select, standing, type Standing } from '@migration-guard/shared/migration/order';
import type { Project } from '@migration-guard/shared/migration/project';
import type { Finding } from '@migration-guard/shared/report/run-report';
import path from 'node:path';
import type { MigrateContext, MigrateInputs } from './contract.ts';

export interface Decision extends Standing {
  /** Of the database, oldest first. */
  readonly history: readonly AppliedMigration[];
  /** The pending files that this run is asked for, in order. */
  readonly selected: readonly MigrationFile[];
  readonly findings: readonly Finding[];
}

export interface DecisionParts {
  readonly project: Pick<Project, 'files' | 'workspace' | 'config' | 'nothingFound'>;
  readonly history: readonly AppliedMigration[];
  readonly journal: ReadonlyMap<string, JournalEntry>;
  readonly inputs: Pick<MigrateInputs, 'to' | 'steps' | 'only' | 'allowOutOfOrder'>;
  readonly settings: Pick<MigrateContext['settings'], 'edited' | 'missing'>;
  readonly now: Date;
}

/**
 * Which files run. Throws `migration/late` with new names to use, `migration/edited` and `migration/missing` where the settings refuse
 * them (elsewhere they are findings), and `migration/not-found`.
 */
export function decide({ project, history, journal, inputs, settings, now }: DecisionParts): Decision {
  const stand = standingOf({ project, history, journal, settings });
  const place = placeIn(project);
  const selected = select(stand.pending, inputs);
  if ('unknown' in selected) throw new GuardError('migration/not-found', `Not pending: ${selected.unknown.join(', ')}.`);
  const reasons = new Map((inputs.allowOutOfOrder ?? []).map(parseReason));
  refuseLate(stand, { reasons, place, now });
  const findings = [
    ...lateFindings(stand, reasons, place),
    ...leftBehind(stand.pending, selected.files),
    ...appliedFindings(stand, { project, settings }),
  ];
  return { ...stand, history, selected: selected.files, findings };
}

/** What is to be said of a folder without files, and of files that were applied and are changed or gone. Throws `migration/edited` and `migration/missing` where the settings refuse them. */
export function appliedFindings(stand: Standing, { project, settings }: Pick<DecisionParts, 'project' | 'settings'>): readonly Finding[] {
  const edited = editedPolicy(project, settings);
  const place = placeIn(project);
  const [changed] = stand.edited;
  if (changed !== undefined && edited === 'fail') {
    throw new GuardError('migration/edited', `Changed after they were applied: ${stand.edited.map(({ name }) => name).join(', ')}.`, {
      place: place(changed),
    });
  }
  if (stand.missing.length > 0 && settings.missing === 'fail') {
    throw new GuardError(
      'migration/missing',
      `${listed(stand.missing.map((name) => ({ name })))} applied, and not in the folder any more.`,
    );
  }
  return [...emptyFinding(project), ...editedFindings(stand, { edited, place }), ...stand.missing.map(missingFinding)];
}

function placeIn({ workspace }: DecisionParts['project']): PlaceOf {
  return ({ path: file }) => ({ file: path.relative(workspace, file) });
}

/** How folder and history stand to each other, as the settings see edited files. */
export function standingOf({ project, history, journal, settings }: Omit<DecisionParts, 'inputs' | 'now'>): Standing {
  const runEdited = editedPolicy(project, settings) === 'run-again';
  return standing(project.files, history, { recordedHashes: appliedHashes(journal), runEdited });
}

/** What happens to an applied file that was changed: as the settings say, else as migrate-mongo is configured. */
function editedPolicy({ config }: Pick<Project, 'config'>, { edited }: Pick<MigrateContext['settings'], 'edited'>): EditedPolicy {
  return edited ?? (config.useFileHash === true ? 'run-again' : 'warn');
}

type EditedPolicy = NonNullable<MigrateContext['settings']['edited']>;
type PlaceOf = (file: MigrationFile) => Place;

/** A line of `allow-out-of-order`: the file, a colon, why it may. The specification of the input has refused lines without a reason. */
function parseReason(line: string): readonly [string, string] {
  const colon = line.indexOf(':');
  return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
}

function reasonFor(file: MigrationFile, reasons: ReadonlyMap<string, string>): string | undefined {
  return [...reasons].find(([name]) => isNamed(file, name))?.[1];
}

interface Lateness {
  readonly reasons: ReadonlyMap<string, string>;
  readonly place: PlaceOf;
  readonly now: Date;
}

function refuseLate({ late, applied }: Standing, { reasons, place, now }: Lateness): void {
  const refused = late.filter((file) => reasonFor(file, reasons) === undefined);
  const [first] = refused;
  if (first === undefined) return;
  const newest = [...applied].sort().at(-1);
  const verb = refused.length === 1 ? 'is pending, but sorts' : 'are pending, but sort';
  const renaming = refused.map(({ name }, index) => `${name} to ${renamed(name, new Date(now.getTime() + index * 1_000))}`);
  throw new GuardError('migration/late', `${refused.map(({ name }) => name).join(', ')} ${verb} before ${newest}, which is applied.`, {
    place: place(first),
    remedy: `Rename ${renaming.join(', ')}, so that every database runs the files in the same order; or, if the order does not matter, set \`allow-out-of-order: "${first.name}: <why>"\`.`,
  });
}

function lateFindings({ late }: Standing, reasons: ReadonlyMap<string, string>, place: PlaceOf): readonly Finding[] {
  return late.map((file) => ({
    severity: 'note',
    rule: 'migration/out-of-order',
    message: `${file.name} runs after files that sort behind it: ${reasonFor(file, reasons)}`,
    place: place(file),
  }));
}

/** Files that stay pending although a later one runs now. */
function leftBehind(pending: readonly MigrationFile[], selected: readonly MigrationFile[]): readonly Finding[] {
  const last = pending.findLastIndex((file) => selected.includes(file));
  const left = pending.slice(0, Math.max(last, 0)).filter((file) => !selected.includes(file));
  if (left.length === 0) return [];
  const message = `${listed(left)} left pending before ${pending[last]?.name}: the next run needs them in \`allow-out-of-order\`.`;
  return [{ severity: 'warning', rule: 'migration/left-behind', message }];
}

function editedFindings(
  { edited: files }: Standing,
  { edited, place }: { readonly edited: EditedPolicy; readonly place: PlaceOf },
): readonly Finding[] {
  const then = edited === 'run-again' ? 'It runs again.' : 'Put it back, and make the change in a new migration.';
  return files.map((file) => ({
    severity: 'warning',
    rule: 'migration/edited',
    message: `${file.name} was changed after it was applied. ${then}`,
    place: place(file),
  }));
}

/** Most often the folder or the extension is wrong, and nobody would see it in a run that passes. */
function emptyFinding({ nothingFound }: DecisionParts['project']): readonly Finding[] {
  return nothingFound === undefined ? [] : [{ severity: 'warning', rule: 'migration/no-files', message: nothingFound }];
}

function missingFinding(name: string): Finding {
  return { severity: 'warning', rule: 'migration/missing', message: `${name} is applied, but its file is not in the folder any more.` };
}

/** `1.js is` or `1.js, 2.js are`. */
function listed(files: readonly { readonly name: string }[]): string {
  return `${files.map(({ name }) => name).join(', ')} ${files.length === 1 ? 'is' : 'are'}`;
}
