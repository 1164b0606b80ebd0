import { GuardError } from '@migration-guard/shared/errors/guard-error';
import type { MigrationFile } from '@migration-guard/shared/migration/files';
import type { AppliedMigration } from '@migration-guard/shared/migration/history/history';
import { appliedHashes, type JournalEntry } from '@migration-guard/shared/migration/journal';
import { renamed, select, standing, type Standing } from '@migration-guard/shared/migration/order';
import type { Project } from '@migration-guard/shared/migration/project';
import type { Finding } from '@migration-guard/shared/report/run-report';
import path from 'node:path';
import type { MigrateInputs } from './contract.ts';

export interface Decision extends Standing {
  /** The pending files that this run is asked for, in order. */
  readonly selected: readonly MigrationFile[];
  readonly findings: readonly Finding[];
}

export interface DecisionParts {
  readonly project: Project;
  readonly history: readonly AppliedMigration[];
  readonly journal: ReadonlyMap<string, JournalEntry>;
  readonly inputs: Pick<MigrateInputs, 'to' | 'steps'>;
  readonly now: Date;
}

/**
 * Which files run. Throws `migration/late` with a new name to use, `migration/edited` where migrate-mongo is configured to watch hashes
 * (elsewhere it is a finding), and `migration/not-found`.
 */
export function decide({ project, history, journal, inputs, now }: DecisionParts): Decision {
  const stand = standing(project.files, history, appliedHashes(journal));
  const placeOf = ({ path: file }: MigrationFile): { readonly file: string } => ({ file: path.relative(project.workspace, file) });
  const [late] = stand.late;
  if (late !== undefined) {
    const newest = [...stand.applied].sort().at(-1);
    throw new GuardError('migration/late', `${late.name} is pending, but sorts before ${newest}, which is applied.`, {
      place: placeOf(late),
      remedy: `Rename it to ${renamed(late.name, now)}, so that every database runs the files in the same order.`,
    });
  }
  const [edited] = stand.edited;
  if (edited !== undefined && project.config.useFileHash === true) {
    throw new GuardError('migration/edited', `${edited.name} was changed after it was applied.`, { place: placeOf(edited) });
  }
  const selected = select(stand.pending, inputs);
  if (selected === undefined) throw new GuardError('migration/not-found', `The file ${inputs.to} is not pending.`);
  return { ...stand, selected, findings: findingsOf(stand, placeOf) };
}

function findingsOf(stand: Standing, placeOf: (file: MigrationFile) => { readonly file: string }): Finding[] {
  return [
    ...stand.edited.map((file): Finding => ({
      severity: 'warning',
      rule: 'migration/edited',
      message: `${file.name} was changed after it was applied. Put it back, and make the change in a new migration.`,
      place: placeOf(file),
    })),
    ...stand.missing.map((name): Finding => ({
      severity: 'warning',
      rule: 'migration/missing',
      message: `${name} is applied, but its file is not in the folder any more.`,
    })),
  ];
}
