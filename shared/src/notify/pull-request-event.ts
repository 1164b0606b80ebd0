import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { PullRequest } from './pull-request.ts';

/** The part of the payload of `pull_request` and `pull_request_target` that is needed. */
const payload = z.object({
  pull_request: z.object({ number: z.int(), head: z.object({ sha: z.string() }).optional() }),
  repository: z.object({ name: z.string(), owner: z.object({ login: z.string() }) }),
});

export interface PullRequestEvent extends PullRequest {
  /** The newest commit of its branch, where the payload tells; the run itself is of a merge commit. */
  readonly headSha?: string;
}

/** The pull request that started the run, from the event's file that the runner wrote; undefined for all other events. */
export async function pullRequestOf(env: Readonly<Record<string, string | undefined>>): Promise<PullRequestEvent | undefined> {
  const file = env['GITHUB_EVENT_PATH'];
  if (file === undefined || file === '') return undefined;
  const event = payload.safeParse(parseJson(await readFile(file, 'utf8').catch(() => '')));
  if (!event.success) return undefined;
  const { pull_request: pullRequest, repository } = event.data;
  const { number, head } = pullRequest;
  const headSha = head === undefined ? {} : { headSha: head.sha };
  return { owner: repository.owner.login, repository: repository.name, number, ...headSha };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
