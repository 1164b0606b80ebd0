import type { Outcome } from '@migration-guard/shared/action/context';
import { actionsCache } from '@migration-guard/shared/action/remote-cache';
import { readManifest } from '@migration-guard/shared/backup/manifest';
import { backupSource } from '@migration-guard/shared/backup/restore-source';
import { seriesOf } from '@migration-guard/shared/embedded/binary';
import { GuardError } from '@migration-guard/shared/errors/guard-error';
import type { AppliedMigration } from '@migration-guard/shared/migration/history/history';
import { makePlan } from '@migration-guard/shared/migration/plan';
import type { Project } from '@migration-guard/shared/migration/project';
import { seconds } from '@migration-guard/shared/migration/run';
import { connect, databaseName } from '@migration-guard/shared/mongo/connect';
import { Secret } from '@migration-guard/shared/redaction/secret';
import { openCopy, type Copy, type CopyPlace } from '@migration-guard/shared/rehearsal/copy';
import { historyInBackup } from '@migration-guard/shared/rehearsal/history-in-backup';
import type { Finding } from '@migration-guard/shared/report/run-report';
import { latestBackup } from './backup-choice.ts';
import { concludeRehearsal } from './conclude-rehearsal.ts';
import type { MigrateContext, MigrateInputs } from './contract.ts';
import { decide, type Decision } from './decide.ts';
import { foretell } from './foretell.ts';
import { performRehearsal } from './perform-rehearsal.ts';
import { preparationOf, tellPreparation } from './preparation.ts';
import { refuseStrangers } from './target.ts';
import { openUserProject } from './user-project.ts';

/** Proves what is pending on a restored copy: up, down, equal?, up again. Nothing is written to the source. */
export async function rehearse(inputs: MigrateInputs, context: MigrateContext): Promise<Outcome> {
  const { stage, log, signal, env, run } = context;
  if (inputs.store === undefined) throw new GuardError('rehearsal/no-backup', 'No store of backups is given.');
  context.setOutput('applied', []);
  await using project = await openUserProject(inputs, context);
  const place = placeOf(inputs);
  if (place.kind !== 'ephemeral') await refuseStrangers(place.uri, inputs, context);
  const database = await databaseOf(inputs, project);
  const backup = await latestBackup(inputs.store, inputs, context);
  stage.figure('Backup', backup.id);
  const manifest = await readManifest(backup.store, backup.id);
  const standing = { context, database, backup: { id: backup.id, takenAt: manifest.finishedAt }, on: place.kind };
  const parts = { inputs, context, project, database };
  // Most pull requests bring no migration: that is known before anything is restored.
  const known = await historyInBackup(backupSource(backup.store, manifest), { database, history: project.history });
  const early = known === undefined ? undefined : decideBy(known, parts);
  if (early?.selected.length === 0) return await concludeRehearsal({ ...standing, decision: early, findings: [] });
  const startedAt = performance.now();
  await using copy = await openCopy({
    place,
    database,
    store: backup.store,
    backupId: backup.id,
    preparation: preparationOf(context.settings.rehearsal, project.history),
    owner: run.url,
    env,
    log,
    signal,
    remoteCache: place.kind === 'ephemeral' ? await actionsCache(log, env) : undefined,
  });
  stage.figure('Restored in', seconds(performance.now() - startedAt));
  stage.figure('Server of the copy', `MongoDB ${copy.serverVersion}`);
  const decision = early ?? decideBy(await project.history.read(copy.client.db(copy.database)), parts);
  const rehearsal = await performRehearsal({ ...parts, copy, decision });
  const foretold = await foretell({ inputs, context, copy, database, files: rehearsal.files, prechecks: rehearsal.prechecks });
  const findings = [...versionFindings(copy), ...tellPreparation(copy, context), ...foretold];
  return await concludeRehearsal({ ...standing, decision, rehearsal, findings });
}

interface Deciding {
  readonly inputs: MigrateInputs;
  readonly context: MigrateContext;
  readonly project: Project;
  readonly database: string;
}

/** What runs, by the history of the copy; the outputs tell it also when the rehearsal does not come to its end. */
function decideBy(history: readonly AppliedMigration[], { inputs, context, project, database }: Deciding): Decision {
  const now = context.now();
  const decision = decide({ project, history, journal: new Map(), inputs, settings: context.settings, now });
  context.setOutput(
    'pending',
    decision.pending.map(({ name }) => name),
  );
  context.setOutput('plan-hash', makePlan({ database, history: decision.applied, files: decision.selected }, now).hash);
  return decision;
}

function placeOf({ rehearseOn, uri }: MigrateInputs): CopyPlace {
  if (rehearseOn === undefined || rehearseOn === 'ephemeral') return { kind: 'ephemeral' };
  if (rehearseOn !== 'same-server') return { kind: 'uri', uri: new Secret(rehearseOn) };
  if (uri === undefined) throw new GuardError('input/invalid', 'uri is required for rehearse-on: same-server.');
  return { kind: 'same-server', uri };
}

/** The input, else the database that the connection string or migrate-mongo's configuration names. */
async function databaseOf({ database, uri }: MigrateInputs, { config }: Project): Promise<string> {
  if (database !== undefined) return database;
  if (uri === undefined) return databaseName(config.databaseName, { defaultDatabase: undefined });
  await using connection = await connect(uri);
  return databaseName(connection.defaultDatabase ?? config.databaseName, connection);
}

/** A copy on a server of another series than the source can behave in another way. */
function versionFindings({ manifest, serverVersion }: Copy): readonly Finding[] {
  if (seriesOf(manifest.server.version) === seriesOf(serverVersion)) return [];
  const message = `The source runs MongoDB ${manifest.server.version}, the rehearsal ran on ${serverVersion}.`;
  return [{ severity: 'note', rule: 'rehearsal/other-version', message }];
}
