import type { Outcome } from '@migration-guard/shared/action/context';
import { actionsCache } from '@migration-guard/shared/action/remote-cache';
import { seriesOf } from '@migration-guard/shared/embedded/binary';
import { GuardError } from '@migration-guard/shared/errors/guard-error';
import type { AppliedMigration } from '@migration-guard/shared/migration/history/history';
import { makePlan, type Plan } from '@migration-guard/shared/migration/plan';
import type { Project } from '@migration-guard/shared/migration/project';
import { seconds } from '@migration-guard/shared/migration/run';
import { databaseName, namedDatabase } from '@migration-guard/shared/mongo/connect';
import { Secret } from '@migration-guard/shared/redaction/secret';
import { openCopy, type Copy, type CopyPlace } from '@migration-guard/shared/rehearsal/copy';
import type { Finding } from '@migration-guard/shared/report/run-report';
import { concludeRehearsal } from './conclude-rehearsal.ts';
import type { MigrateContext, MigrateInputs } from './contract.ts';
import { decide, type Decision } from './decide.ts';
import { foretell } from './foretell.ts';
import { findFurtherSteps, furtherOf, namesToRun, plannedSteps, type FurtherSteps } from './further-steps.ts';
import { copyState } from './identity.ts';
import { staticFindings } from './lint.ts';
import { performRehearsal } from './perform-rehearsal.ts';
import { preparationOf, tellPreparation } from './preparation.ts';
import { openRehearsalSource } from './rehearsal-source.ts';
import { refuseStrangers } from './target.ts';
import { openUserProject } from './user-project.ts';

/** Proves what is pending on a restored copy: up, down, equal?, up again. Nothing is written to the source. */
export async function rehearse(inputs: MigrateInputs, context: MigrateContext): Promise<Outcome> {
  const { stage, log, signal, env, run } = context;
  context.setOutput('applied', []);
  await using project = await openUserProject(inputs, context);
  const place = placeOf(inputs);
  if (place.kind !== 'ephemeral') await refuseStrangers(place.uri, inputs, context);
  const database = databaseOf(inputs, project);
  const parts = { inputs, context, project, database, steps: await findFurtherSteps(context) };
  await using source = await openRehearsalSource(parts);
  stage.figure('Backup', source.name);
  const standing = { context, database, backup: { id: source.name, takenAt: source.takenAt }, on: place.kind };
  // Most pull requests bring no migration: that is known before anything is restored.
  const early = source.history === undefined ? undefined : await decideBy(source.history, parts);
  if (early?.plan.files.length === 0) return await concludeRehearsal({ ...standing, ...early, findings: [] });
  const backup = await source.backup();
  const startedAt = performance.now();
  await using copy = await openCopy({
    place,
    database,
    ...backup,
    preparation: preparationOf(context.settings.rehearsal, project.history),
    locks: project.config.lockCollectionName === undefined ? [] : [project.config.lockCollectionName],
    claimed: (token) => (place.kind === 'ephemeral' ? undefined : context.saveState(copyState, JSON.stringify(token))),
    owner: run.url,
    env,
    log,
    signal,
    remoteCache: place.kind === 'ephemeral' ? await actionsCache(log, env) : undefined,
  });
  stage.figure('Restored in', seconds(performance.now() - startedAt));
  stage.figure('Server of the copy', `MongoDB ${copy.serverVersion}`);
  const decided = early ?? (await decideBy(await project.history.read(copy.client.db(copy.database)), parts));
  const rehearsal = await performRehearsal({ ...parts, copy, decision: decided.decision, further: decided.further });
  const foretold = await foretell({ inputs, context, copy, database, files: rehearsal.files, prechecks: rehearsal.prechecks });
  const findings = [...versionFindings(copy), ...tellPreparation(copy, context), ...foretold];
  return await concludeRehearsal({ ...standing, ...decided, rehearsal, findings });
}

interface Deciding {
  readonly inputs: MigrateInputs;
  readonly context: MigrateContext;
  readonly project: Project;
  readonly database: string;
  /** Of the project, whatever is pending. */
  readonly steps: FurtherSteps;
}

interface Decided {
  readonly decision: Decision;
  /** What runs behind the files. */
  readonly further: FurtherSteps;
  readonly plan: Plan;
}

/** What runs, by the history of the copy; the outputs tell it also when the rehearsal does not come to its end. */
async function decideBy(history: readonly AppliedMigration[], { inputs, context, project, database, steps }: Deciding): Promise<Decided> {
  const now = context.now();
  const decision = decide({ project, history, journal: new Map(), inputs, settings: context.settings, now });
  context.setOutput('pending', namesToRun({ ...steps, files: decision.pending }));
  const further = furtherOf(steps, decision);
  const found = await staticFindings({ project, files: decision.selected, context });
  const plan = makePlan({ database, history, files: [...decision.selected, ...plannedSteps(further)], findings: found }, now);
  context.setOutput('plan-hash', plan.hash);
  return { decision, further, plan };
}

function placeOf({ rehearseOn, uri }: MigrateInputs): CopyPlace {
  if (rehearseOn === undefined || rehearseOn === 'ephemeral') return { kind: 'ephemeral' };
  if (rehearseOn !== 'same-server') return { kind: 'uri', uri: new Secret(rehearseOn) };
  if (uri === undefined) throw new GuardError('input/invalid', 'uri is required for rehearse-on: same-server.');
  return { kind: 'same-server', uri };
}

/** The input, else the database that the connection string or migrate-mongo's configuration names. */
function databaseOf({ database, uri }: MigrateInputs, { config }: Project): string {
  return databaseName(database ?? (uri === undefined ? undefined : namedDatabase(uri)) ?? config.databaseName, {
    defaultDatabase: undefined,
  });
}

/** A copy on a server of another series than the source can behave in another way. */
function versionFindings({ manifest, serverVersion }: Copy): readonly Finding[] {
  if (seriesOf(manifest.server.version) === seriesOf(serverVersion)) return [];
  const message = `The source runs MongoDB ${manifest.server.version}, the rehearsal ran on ${serverVersion}.`;
  return [{ severity: 'note', rule: 'rehearsal/other-version', message }];
}
