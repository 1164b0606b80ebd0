import { expect, test } from '@jest/globals';
import { usesOf, yamlExamples } from './find.ts';

test('finds the YAML blocks of a Markdown file, also indented ones, with their lines', () => {
  const text = '# A\n```yaml\na: 1\n```\n```sh\nls\n```\n- item\n  ```yml\n  b:\n    c: 2\n  ```\n';
  expect(yamlExamples('README.md', text)).toEqual([
    { where: 'README.md:2', text: 'a: 1\n' },
    { where: 'README.md:9', text: 'b:\n  c: 2\n' },
  ]);
});

test('a workflow is one example', () => {
  expect(yamlExamples('.github/workflows/a.yml', 'on: push\n')).toEqual([{ where: '.github/workflows/a.yml', text: 'on: push\n' }]);
});

test('finds our actions at any depth and however they are named, and nothing else', () => {
  const steps = [
    { uses: './action-backup', with: { mode: 'create', keep: 3 } },
    { uses: '$/action-verify' },
    { uses: 'acme/migration-guard/action-report@0123abc' },
    { uses: 'actions/checkout@v5' },
    { run: 'echo action-backup' },
  ];
  expect(usesOf({ jobs: { a: { steps } } }).map(({ action, inputs }) => [action, Object.fromEntries(inputs)])).toEqual([
    ['backup', { mode: 'create', keep: '3' }],
    ['verify', {}],
    ['report', {}],
  ]);
});
