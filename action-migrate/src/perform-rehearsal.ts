import type { RehearsalSettings } from '@migration-guard/shared/config/rehearsal';
import { openJournal, type Journal } from '@migration-guard/shared/migration/journal';
import type { KnownPrecheck } from '@migration-guard/shared/migration/prechecks/known';
import type { Project } from '@migration-guard/shared/migration/project';
import type { Copy } from '@migration-guard/shared/rehearsal/copy';
import { fencePolicy, nameBeside, type FenceSettings } from '@migration-guard/shared/rehearsal/fence-policy';
import { judgeRefusals } from '@migration-guard/shared/rehearsal/judge-up';
import { claimMappedDatabases } from '@migration-guard/shared/rehearsal/mapped-databases';
import { rehearse } from '@migration-guard/shared/rehearsal/rehearse';
import type { Rehearsal, RehearsalOptions } from '@migration-guard/shared/rehearsal/room';
import type { Finding } from '@migration-guard/shared/report/run-report';
import { checkCopy } from './check-copy.ts';
import type { MigrateContext, MigrateInputs } from './contract.ts';
import type { Decision } from './decide.ts';
import { openForesight } from './foresight.ts';
import type { FurtherSteps } from './further-steps.ts';
import { appNameOf } from './identity.ts';
import { lintFiles } from './lint.ts';
import { recordedFindings } from './recorded-findings.ts';
import { rehearseFurther, type RehearseFurther } from './rehearse-further.ts';
import { loadFiles } from './user-project.ts';

export interface Performed extends Rehearsal {
  readonly linted: readonly Finding[];
  readonly prechecks: readonly KnownPrecheck[];
  /** Collections that seeds wrote to. */
  readonly seeded: readonly string[];
}

/** The rule about `down`, which the rehearsal runs and compares. */
const provenHere = 'MS602';

export interface Performance {
  readonly inputs: MigrateInputs;
  readonly context: MigrateContext;
  readonly project: Project;
  readonly copy: Copy;
  readonly decision: Decision;
  /** What runs behind the files. */
  readonly further: FurtherSteps;
  /** Name of the database that the copy stands for. */
  readonly database: string;
}

/** Runs the files, also when a lint rule has failed them: the copy shows what they would do. */
export async function performRehearsal(parts: Performance): Promise<Performed> {
  const { inputs, context, project, copy, decision, further, database } = parts;
  const { log, now, signal, run, settings } = context;
  if (decision.selected.length + further.commands.length + further.seeds.length === 0) {
    return { ...noFiles, linted: [], prechecks: [], seeded: [] };
  }
  const appName = appNameOf(copy.lock.token);
  const beside = settings.rehearsal['map-databases'].map((name) => nameBeside(name, { copy, database }));
  await using _databases = await claimMappedDatabases(copy.client, beside);
  const policy = await fencePolicy({ copy, database, appName, settings: fenceSettings(settings.rehearsal) });
  await project.worker.ask('watch', { policy, folder: project.folder });
  const inWorker = [...decision.selected, ...further.seeds];
  const loaded = await loadBehindFence(project, inWorker, context);
  const linted = await lintFiles({ project, files: decision.selected, context, without: [provenHere] });
  if (inWorker.length > 0) await project.connect({ uri: copy.uri.reveal(), database: copy.database, appName });
  const db = copy.client.db(copy.database);
  const limits = { maxPercent: settings.rehearsal['max-loss-percent'], expectedPercent: settings.rehearsal['expected-loss-percent'] };
  const checked: Finding[] = [];
  const foresight = openForesight(copy, context);
  const journal = openJournal({ db, lock: copy.lock, run: run.url, now });
  const { timeout, transaction } = inputs;
  const running = { db, project, loaded, journal, lock: copy.lock, appName, log, now, signal, timeout, transaction };
  const rehearsing: RehearsalOptions = {
    ...running,
    files: decision.selected,
    limits,
    reveal: { ids: settings.rehearsal['show-ids'], values: settings.rehearsal['show-values'] },
    watchedQueries: settings.rehearsal.queries,
    ruleLimits: { changedPercent: settings.rehearsal['max-changed-percent'] },
    ...(copy.prepared.sampled === undefined ? {} : { documentsOfSource: documentsOf(copy, database) }),
    halfDoneUnder: settings.rehearsal['half-done'] ? halfDoneUnder : 0,
    inspect: async (inspection) => {
      await foresight.inspect(inspection);
      if (inspection.state === 'after up') checked.push(...(await checkCopy(copy, inputs, context)));
    },
  };
  const rehearsal = decision.selected.length === 0 ? noFiles : await rehearse(rehearsing);
  const failed = rehearsal.findings.some(({ severity }) => severity === 'error');
  const behind = failed ? undefined : await rehearseFurther({ further, seeds: running, commands: commandsOn(parts, journal) });
  const recorded = await recordedFindings({ project, rehearsal, linted, context });
  return {
    ...rehearsal,
    findings: [...rehearsal.findings, ...checked, ...foresight.findings(), ...recorded, ...(behind?.findings ?? [])],
    linted,
    prechecks: foresight.prechecks(),
    seeded: behind?.touched ?? [],
  };
}

const noFiles: Rehearsal = { files: [], findings: [], reading: { collections: 0, milliseconds: 0 } };

/** How the commands of the team reach the copy. */
function commandsOn({ context, copy, inputs }: Performance, journal: Journal): RehearseFurther['commands'] {
  const { log, signal, env, workspace } = context;
  const db = copy.client.db(copy.database);
  const appName = appNameOf(copy.lock.token);
  return { db, uri: copy.uri, appName, journal, lock: copy.lock, workspace, env, log, signal, timeout: inputs.timeout };
}

/** Of each collection, in the backup. */
function documentsOf({ manifest }: Copy, database: string): ReadonlyMap<string, number> {
  const own = manifest.collections.filter((collection) => collection.database === database);
  return new Map(own.map(({ name, digest }) => [name, digest.documents]));
}

/** Files that take longer are not run three more times, milliseconds. */
const halfDoneUnder = 10_000;

function fenceSettings(settings: RehearsalSettings): FenceSettings {
  return {
    mapHosts: settings['map-hosts'],
    mapDatabases: settings['map-databases'],
    allowHosts: settings['allow-hosts'],
    allowPrograms: settings['allow-programs'],
  };
}

/** A file may try to reach something as soon as it is loaded: that is told beside the fault. */
async function loadBehindFence(project: Project, files: Decision['selected'], context: MigrateContext): ReturnType<typeof loadFiles> {
  try {
    return await loadFiles(project, files, context);
  } catch (error) {
    for (const finding of judgeRefusals(project.worker.takeRefusals(), project.workspace)) context.stage.finding(finding);
    throw error;
  }
}
