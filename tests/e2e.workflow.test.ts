import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { actionFolders, repository } from '../scripts/actions.ts';
import { trackedFiles } from '../scripts/tracked-files.ts';
import { runWorkflow } from './workflows/act.ts';

jest.setTimeout(400_000);

let checkout: string;

beforeAll(async () => {
  checkout = await mkdtemp(path.join(tmpdir(), 'migration-guard-checkout-'));
  for (const file of trackedFiles(/./)) await cp(path.join(repository, file), path.join(checkout, file), { recursive: true });
  for (const { folder } of await actionFolders(path.join('dist', 'index.js'))) {
    await cp(path.join(folder, 'dist'), path.join(checkout, path.basename(folder), 'dist'), { recursive: true });
  }
});

afterAll(async () => {
  await rm(checkout, { recursive: true, force: true });
});

test('our own end-to-end workflow passes: the good release goes through, the bad one is rolled back and proven', async () => {
  const result = await runWorkflow({
    files: {},
    checkout,
    workflow: '.github/workflows/e2e.yml',
    env: { GITHUB_REF: 'refs/heads/main' },
  });
  expect(result.log).toContain('The release is in the database.');
  expect(result.log).toContain('The database is what it was before the release.');
  expect(result.exitCode).toBe(0);
});
