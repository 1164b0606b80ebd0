import type { MigrationFile } from '@migration-guard/shared/migration/files';
import { LoadError, openProject, type Project } from '@migration-guard/shared/migration/project';
import { workerArgument } from '@migration-guard/shared/migration/worker/argument';
import type { LoadedFile } from '@migration-guard/shared/migration/worker/protocol';
import type { MigrateContext, MigrateInputs } from './contract.ts';

/** The user's migrations, with this bundle as the program of their process. */
export function openUserProject(inputs: MigrateInputs, context: MigrateContext): Promise<Project> {
  return openProject({
    workspace: context.workspace,
    folder: inputs.migrations,
    driver: inputs.driver ?? 'auto',
    history: { kind: inputs.history ?? 'migrate-mongo', collection: inputs.changelog },
    program: { file: process.argv[1] ?? '', args: [workerArgument] },
    env: context.env,
    log: context.log,
  });
}

/** Loads the files before any of them runs; every fault becomes a finding on its line. */
export async function loadFiles(
  project: Project,
  files: readonly MigrationFile[],
  { stage, setOutput }: Pick<MigrateContext, 'stage' | 'setOutput'>,
): Promise<ReadonlyMap<string, LoadedFile>> {
  try {
    return await project.load(files);
  } catch (error) {
    if (error instanceof LoadError) {
      setOutput('findings', error.faults.length);
      for (const { name, message, place } of error.faults) {
        stage.finding({ severity: 'error', rule: 'migration/load-failed', message: `${name}: ${message}`, place });
      }
    }
    throw error;
  }
}
