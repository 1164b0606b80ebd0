import { describe, expect, test } from '@jest/globals';
import { Secret } from '../redaction/secret.ts';
import { renderReport } from '../report/markdown.ts';
import { conversation, startGithubComments, type GithubComments } from '../testing/github-comments.ts';
import { sampleReport, stageWith } from '../testing/run-reports.ts';
import { commentBytes, commentOnPullRequest, marker } from './pull-request.ts';

const pullRequest = { owner: 'octo', repository: 'shop', number: 7 };
const signal = new AbortController().signal;
const bot = { login: 'github-actions[bot]', type: 'Bot' } as const;
const comment = (github: GithubComments, markdown: string): Promise<void> =>
  commentOnPullRequest({ token: new Secret('ghs_token'), apiUrl: github.url, pullRequest, markdown, signal });

describe('the comment on a pull request', () => {
  test('is written once and replaced by later runs', async () => {
    await using github = await startGithubComments();
    await comment(github, 'first');
    await comment(github, 'second');
    expect(github.comments.map(({ body }) => body)).toEqual([`${marker}\nsecond`]);
  });

  test('is found on a later page of a long conversation', async () => {
    await using github = await startGithubComments({ comments: [...conversation(230), { id: 231, body: `${marker}\nold`, user: bot }] });
    await comment(github, 'new');
    expect(github.comments).toHaveLength(231);
    expect(github.comments.at(-1)?.body).toBe(`${marker}\nnew`);
  });

  test('is never that of a person who copied the marker', async () => {
    const copy = { id: 1, body: `${marker}\nmine`, user: { login: 'eve', type: 'User' } } as const;
    await using github = await startGithubComments({ comments: [copy] });
    await comment(github, 'report');
    expect(github.comments.map(({ body }) => body)).toEqual([copy.body, `${marker}\nreport`]);
  });

  test('of a personal token is found again by its login', async () => {
    await using github = await startGithubComments({ login: 'mira' });
    await comment(github, 'first');
    await comment(github, 'second');
    expect(github.comments.map(({ body }) => body)).toEqual([`${marker}\nsecond`]);
  });

  test('is cut to the length that GitHub takes', async () => {
    await using github = await startGithubComments();
    const stages = Array.from({ length: 100 }, () => stageWith({ reason: 'A long story. '.repeat(100) }));
    await comment(github, renderReport({ ...(await sampleReport('passed')), stages }, commentBytes));
    expect(github.comments[0]?.body).toContain('Cut here');
  });

  test.each([
    [403, 'notify/pull-request-denied'],
    [404, 'notify/pull-request-denied'],
    [502, 'notify/pull-request'],
  ])('that GitHub refuses with %d ends with %s', async (refuse, code) => {
    await using github = await startGithubComments({ refuse });
    await expect(comment(github, 'report')).rejects.toMatchObject({ code });
  });

  test('that cannot reach GitHub ends with notify/pull-request', async () => {
    const attempt = commentOnPullRequest({
      token: new Secret('ghs_token'),
      apiUrl: 'http://127.0.0.1:1',
      pullRequest,
      markdown: '',
      signal,
    });
    await expect(attempt).rejects.toMatchObject({ code: 'notify/pull-request' });
  });
});
