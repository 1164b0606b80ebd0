import type { Db } from 'mongodb';
import { GuardError } from '@migration-guard/shared/errors/guard-error';
import { appliedElsewhere, type Elsewhere } from '@migration-guard/shared/migration/import/elsewhere';
import type { ImportSource } from '@migration-guard/shared/migration/import/sources';
import type { Project } from '@migration-guard/shared/migration/project';
import type { MigrateContext } from './contract.ts';
import type { Decision } from './decide.ts';

/** The tools whose histories are continued as they are. */
const continued: Partial<Record<ImportSource, string>> = {
  'migrate-mongo': 'migrate-mongo',
  plain: 'plain',
  'mongo-migrate-ts': 'class',
};

interface OwnHistory {
  readonly db: Db;
  readonly project: Pick<Project, 'history'>;
  readonly decision: Pick<Decision, 'applied' | 'pending'>;
  readonly settings: Pick<MigrateContext['settings'], 'foreign-history'>;
}

/** Throws what `foreignHistory` finds. */
export async function requireOwnHistory(parts: OwnHistory): Promise<void> {
  const found = await foreignHistory(parts);
  if (found !== undefined) throw found;
}

/**
 * `migration/foreign-history` when our history is empty, but that of another tool in the same database says that pending files were
 * applied: they would run a second time.
 */
export async function foreignHistory({ db, project, decision, settings }: OwnHistory): Promise<GuardError | undefined> {
  if (settings['foreign-history'] === 'ignore' || decision.applied.length > 0) return undefined;
  const elsewhere = await appliedElsewhere(db, decision.pending);
  if (elsewhere === undefined) return undefined;
  const { source, collection, files } = elsewhere;
  const own = `${db.databaseName}.${project.history.collection}`;
  const first = files.length === 1 ? files[0] : `${files[0]} and ${files.length - 1} more`;
  return new GuardError(
    'migration/foreign-history',
    `${own} holds no migration, but ${db.databaseName}.${collection} (${source}) says that ${first} ${files.length === 1 ? 'was' : 'were'} applied.`,
    { remedy: remedyFor(elsewhere) },
  );
}

function remedyFor({ source, collection }: Elsewhere): string {
  const kind = continued[source];
  const go = kind === undefined ? '' : `To continue that history, set \`history: ${kind}\` and \`changelog: ${collection}\`. `;
  return `${go}To take it over, run the mode \`import-history\` with \`import-from: ${source}\`. If these files are to run all the same, set \`foreign-history: ignore\` in the section migrate.`;
}
