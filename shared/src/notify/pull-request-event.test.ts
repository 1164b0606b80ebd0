import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pullRequestOf } from './pull-request-event.ts';

describe('the pull request that started a run', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'event-'));
  });

  afterAll(() => rm(folder, { recursive: true }));

  test.each([
    [
      '{"pull_request": {"number": 7}, "repository": {"name": "shop", "owner": {"login": "octo"}}}',
      { owner: 'octo', repository: 'shop', number: 7 },
    ],
    ['{"ref": "refs/heads/main", "repository": {"name": "shop", "owner": {"login": "octo"}}}', undefined],
    ['not JSON', undefined],
  ])('in the event %s is %j', async (event, expected) => {
    const file = path.join(folder, 'event.json');
    await writeFile(file, event);
    expect(await pullRequestOf({ GITHUB_EVENT_PATH: file })).toEqual(expected);
  });

  test('is none outside of GitHub', async () => {
    expect(await pullRequestOf({})).toBeUndefined();
    expect(await pullRequestOf({ GITHUB_EVENT_PATH: path.join(folder, 'gone.json') })).toBeUndefined();
  });
});
