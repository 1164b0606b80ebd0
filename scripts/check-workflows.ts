import { runLintTool } from './lint-tools.ts';
import { readTracked, trackedFiles } from './tracked-files.ts';
import { parserProblems } from './workflow-parser.ts';

/** GitHub's parser, actionlint and zizmor find nothing in the workflows and the definitions of the actions. */
export async function check(): Promise<readonly string[]> {
  const workflows = trackedFiles(/^\.github\/workflows\/.*\.ya?ml$/);
  const definitions = trackedFiles(/(^|\/)action\.ya?ml$/);
  const parsed = await Promise.all(workflows.map((file) => parserProblems(file, readTracked(file))));
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
    ...parsed.flat().map((problem) => `GitHub's parser: ${problem}`),
    ...(actionlint.clean ? [] : actionlint.lines.map((line) => `actionlint: ${line}`)),
    ...(zizmor.clean ? [] : zizmor.lines.map((line) => `zizmor: ${line}`)),
  ];
}
