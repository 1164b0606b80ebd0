import { runLintTool } from './lint-tools.ts';
import { trackedFiles } from './tracked-files.ts';

/** actionlint and zizmor find nothing in the workflows and the definitions of the actions. */
export function check(): readonly string[] {
  const workflows = trackedFiles(/^\.github\/workflows\/.*\.ya?ml$/);
  const definitions = trackedFiles(/(^|\/)action\.ya?ml$/);
  const actionlint = runLintTool('actionlint', ['-no-color', '-oneline', ...workflows]);
  const zizmor = runLintTool('zizmor', [
    '--offline',
    '--config=.github/zizmor.yml',
    '--no-progress',
    '--color=never',
    '--format=plain',
    ...workflows,
    ...definitions,
  ]);
  return [
    ...(actionlint.clean ? [] : actionlint.lines.map((line) => `actionlint: ${line}`)),
    ...(zizmor.clean ? [] : zizmor.lines.map((line) => `zizmor: ${line}`)),
  ];
}
