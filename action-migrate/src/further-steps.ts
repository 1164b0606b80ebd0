import { createHash } from 'node:crypto';
import type { CommandSettings } from '@migration-guard/shared/config/migrate';
import { journalName } from '@migration-guard/shared/migration/commands/journal-name';
import type { MigrationFile } from '@migration-guard/shared/migration/files';
import type { JournalEntry } from '@migration-guard/shared/migration/journal';
import { discoverSeeds, pendingSeeds } from '@migration-guard/shared/migration/seeds';
import type { MigrateContext } from './contract.ts';
import type { Decision } from './decide.ts';

/** What runs behind the last pending file: commands of the team, then seeds. */
export interface FurtherSteps {
  readonly commands: readonly CommandSettings[];
  /** All of them, also those that need not run now. */
  readonly seeds: readonly MigrationFile[];
}

const nothing: FurtherSteps = { commands: [], seeds: [] };

/** Throws `migration/folder-not-found` for the folder of the seeds. */
export async function findFurtherSteps({ settings, workspace }: MigrateContext): Promise<FurtherSteps> {
  const seeds = settings.seeds === undefined ? [] : await discoverSeeds(workspace, settings.seeds.folder);
  return { commands: settings.commands, seeds };
}

/** What of them belongs to a run: nothing while it leaves files pending, which they may need. */
export function furtherOf(further: FurtherSteps, { selected, pending }: Pick<Decision, 'selected' | 'pending'>): FurtherSteps {
  return selected.length === pending.length ? further : nothing;
}

/** The seeds that run now, by the journal of the database. */
export function seedsToRun(
  { seeds }: FurtherSteps,
  journal: ReadonlyMap<string, JournalEntry>,
  { settings }: Pick<MigrateContext, 'settings'>,
): readonly MigrationFile[] {
  return pendingSeeds(seeds, journal, settings.seeds?.run ?? 'changed');
}

/**
 * As parts of a plan. Every seed is one, whether it has run or not: a copy of the database knows nothing of the journal, and its plan must be
 * that of the database.
 */
export function plannedSteps({ commands, seeds }: FurtherSteps): readonly Pick<MigrationFile, 'name' | 'hash'>[] {
  const hashed = commands.map((command) => ({
    name: journalName(command),
    hash: createHash('sha256').update(JSON.stringify(command)).digest('hex'),
  }));
  return [...hashed, ...seeds.map(({ name, hash }) => ({ name, hash }))];
}

export interface ToRun {
  readonly files: readonly Pick<MigrationFile, 'name'>[];
  readonly commands: readonly CommandSettings[];
  readonly seeds: readonly Pick<MigrationFile, 'name'>[];
}

/** The names of what a run does, in its order. */
export function namesToRun({ files, commands, seeds }: ToRun): readonly string[] {
  return [...files.map(({ name }) => name), ...commands.map(journalName), ...seeds.map(({ name }) => name)];
}
