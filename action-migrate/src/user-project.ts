import type { MigrationFile } from '@migration-guard/shared/migration/files';
import { LoadError, type LoadFault } from '@migration-guard/shared/migration/load-faults';
import { openProject, type Project } from '@migration-guard/shared/migration/project';
import { workerArgument } from '@migration-guard/shared/migration/worker/argument';
import type { LoadedFile } from '@migration-guard/shared/migration/worker/protocol';
import type { Finding } from '@migration-guard/shared/report/run-report';
import type { MigrateContext, MigrateInputs } from './contract.ts';

/** The user's migrations, with this bundle as the program of their process. */
export function openUserProject(inputs: MigrateInputs, context: MigrateContext): Promise<Project> {
  return openProject({
    workspace: context.workspace,
    folder: inputs.migrations,
    // The folder of a tool of the team's own must not be taken for ours.
    hasFiles: inputs.migrations !== undefined || context.settings.commands.length === 0,
    configFile: inputs.migrateMongoConfig,
    driver: inputs.driver ?? 'auto',
    names: context.settings.functions,
    refuseForeignBson: context.settings['mixed-bson'] === 'refuse',
    history: { kind: inputs.history ?? 'migrate-mongo', collection: inputs.changelog },
    program: { file: process.argv[1] ?? '', args: [workerArgument] },
    env: context.env,
    log: context.log,
    signal: context.signal,
  });
}

/** Loads the files before any of them runs; every fault becomes a finding on its line, and so does what is doubtful. */
export async function loadFiles(
  project: Project,
  files: readonly MigrationFile[],
  { stage, setOutput, log }: Pick<MigrateContext, 'stage' | 'setOutput' | 'log'>,
): Promise<ReadonlyMap<string, LoadedFile>> {
  try {
    const loaded = await project.load(files);
    for (const finding of project.takeLoadWarnings().map((doubt) => findingOf(doubt, 'warning'))) {
      stage.finding(finding);
      log.warning(finding.message, finding.place);
    }
    return loaded;
  } catch (error) {
    if (error instanceof LoadError) {
      setOutput('findings', error.faults.length);
      const findings = error.faults.map((fault) => findingOf(fault, 'error'));
      for (const finding of findings) stage.finding(finding);
      // The first one is the message of the error itself.
      for (const { message, place } of findings.slice(1)) log.error(message, place);
    }
    throw error;
  }
}

function findingOf({ name, message, place, remedy }: LoadFault, severity: 'error' | 'warning'): Finding & Pick<LoadFault, 'place'> {
  const rule = severity === 'error' ? 'migration/load-failed' : 'migration/load-doubtful';
  return { severity, rule, message: remedy === undefined ? `${name}: ${message}.` : `${name}: ${message}. ${remedy}`, place };
}
