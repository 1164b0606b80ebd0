import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { loadtestResults } from './results.ts';

test('reads results of version 1', async () => {
  const file = path.join(import.meta.dirname, 'fixtures', 'results.v1.json');
  const results = await loadtestResults.read(file);
  expect(results).toEqual(JSON.parse(await readFile(file, 'utf8')));
  expect(results.samples[0]?.latency?.p95).toBe(31.2);
});
