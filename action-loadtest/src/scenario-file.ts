import path from 'node:path';
import { settings, type LoadtestSettings } from '@migration-guard/shared/config/loadtest';
import { readSettingsFile } from '@migration-guard/shared/config/settings-file';

/** Reads a scenario file: the structured settings of the section `loadtest`. Throws `config/not-found` and `config/invalid`. */
export async function readScenario(file: string, workspace: string): Promise<LoadtestSettings> {
  const fromWorkspace = path.relative(workspace, file);
  return readSettingsFile({ file, shownAs: fromWorkspace.startsWith('..') ? file : fromWorkspace, settings });
}
