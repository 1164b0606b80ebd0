import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { codes } from '@migration-guard/shared/errors/codes';
import { fileRules, folderRules } from '@migration-guard/shared/migration/lint/rules/all';
import { suppressionWithoutReason } from '@migration-guard/shared/migration/lint/suppress';
import { recordedRules } from '@migration-guard/shared/rehearsal/rules/all';
import type { Action } from '../actions.ts';
import { renderActionYml } from './action-yml.ts';
import { renderConfigSchema, settingsSchema } from './config-schema.ts';
import { renderErrorPage } from './error-page.ts';
import { renderLintPage } from './lint-page.ts';
import { fillMarkers, readmeBlocks } from './readme.ts';

/** Every generated file, by its path in the repository, as it should be. The hand-written prose of READMEs is kept. */
export async function generatedFiles(actions: readonly Action[]): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  for (const { folder, spec } of actions) {
    const name = path.basename(folder);
    files.set(`${name}/action.yml`, renderActionYml(spec));
    const readme = path.join(folder, 'README.md');
    if (existsSync(readme)) {
      files.set(`${name}/README.md`, fillMarkers(await readFile(readme, 'utf8'), readmeBlocks(spec, await settingsSchema(spec))));
    }
  }
  files.set('schema/migration-guard.schema.json', await renderConfigSchema(actions.map(({ spec }) => spec)));
  files.set('docs/errors.md', renderErrorPage(codes));
  files.set(
    'docs/lint.md',
    renderLintPage({ files: fileRules, folders: folderRules, recorded: recordedRules, suppression: suppressionWithoutReason }),
  );
  return files;
}
