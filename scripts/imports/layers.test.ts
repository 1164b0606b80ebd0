import { expect, test } from '@jest/globals';
import { importGraph } from './graph.ts';
import { layerViolations } from './layers.ts';

function violations(sources: Readonly<Record<string, string>>): readonly string[] {
  const map = new Map(Object.entries(sources));
  return layerViolations(importGraph(map), map);
}

test('the direction main → story → engines → mongo → errors is fine', () => {
  expect(
    violations({
      'action-backup/src/main.ts': `import { runAction } from '@migration-guard/shared/action/run';\nawait import('./backup.ts');\n`,
      'action-backup/src/backup.ts': `import { createBackup } from '@migration-guard/shared/backup/create';\n`,
      'shared/src/action/run.ts': `const core = await import('@actions/core');\nconst x = process.env.HOME;\n`,
      'shared/src/backup/create.ts': `import { connect } from '../mongo/connect.ts';\nimport type { Input } from '../action/inputs.ts';\n`,
      'shared/src/mongo/connect.ts': `import { MongoClient } from 'mongodb';\n`,
    }),
  ).toEqual([]);
});

test.each([
  ['another action', 'action-verify/src/verify.ts', `import { a } from '../../action-backup/src/backup.ts';`, 'nothing but itself'],
  [
    'an engine that knows an action',
    'shared/src/backup/create.ts',
    `import { a } from '../../../action-backup/spec.ts';`,
    'nothing but itself',
  ],
  ['@actions in an engine', 'shared/src/backup/create.ts', `import * as core from '@actions/core';`, 'belongs to the shell'],
  ['the environment in an engine', 'shared/src/backup/create.ts', `const home = process.env['HOME'];`, 'reads process.env'],
  [
    'a test helper in a story',
    'action-verify/src/verify.ts',
    `import { m } from '@migration-guard/shared/testing/mongod';`,
    'test helpers',
  ],
  ['I/O in a renderer', 'shared/src/report/html.ts', `import { readFileSync } from 'node:fs';`, 'is pure'],
  ['I/O in a plan', 'shared/src/rollback/plan.ts', `import { readFile } from 'node:fs/promises';`, 'is pure'],
  ['an upward import', 'shared/src/mongo/census.ts', `import { x } from '../backup/create.ts';`, 'stands above'],
  ['an engine that uses the shell', 'shared/src/backup/create.ts', `import { x } from '../action/run.ts';`, 'stands above'],
])('finds %s', (_what, file, text, message) => {
  expect(violations({ [file]: `${text}\n` })).toEqual([expect.stringContaining(message)]);
});

test('finds a heavy package that an entry loads through other files', () => {
  const found = violations({
    'action-verify/src/main.ts': `import { spec } from '../spec.ts';\n`,
    'action-verify/spec.ts': `import { x } from '@migration-guard/shared/config/verify';\n`,
    'shared/src/config/verify.ts': `import { z } from 'zod';\n`,
  });
  expect(found).toContain('action-verify/src/main.ts: loads zod at start: import it dynamically');
});

test('finds a cycle once, and none through types or dynamic imports', () => {
  const cyclic = { 'shared/src/http/a.ts': `import { b } from './b.ts';\n`, 'shared/src/http/b.ts': `export { a } from './a.ts';\n` };
  expect(violations(cyclic)).toEqual([expect.stringContaining('import cycle')]);
  expect(violations({ ...cyclic, 'shared/src/http/b.ts': `import { type A } from './a.ts';\nawait import('./a.ts');\n` })).toEqual([]);
});
