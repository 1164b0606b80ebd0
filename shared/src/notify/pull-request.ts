import { getOctokit } from '@actions/github';
import { GuardError } from '../errors/guard-error.ts';
import type { Secret } from '../redaction/secret.ts';

/** First in the body of our comment: by it the next run finds the comment again. */
export const marker = '<!-- migration-guard:report -->';
/** GitHub refuses longer comments (65,536 characters); the marker and a margin are left out. */
export const commentBytes = 65_000;

export interface PullRequest {
  readonly owner: string;
  readonly repository: string;
  readonly number: number;
}

export interface CommentOptions {
  readonly token: Secret;
  /** For example `https://api.github.com`. */
  readonly apiUrl: string;
  readonly pullRequest: PullRequest;
  /** Markdown of at most `commentBytes`. */
  readonly markdown: string;
  readonly signal: AbortSignal;
}

type Octokit = ReturnType<typeof getOctokit>;

/**
 * Writes the report as the one comment of Migration Guard on the pull request: the earlier one is replaced, so that the page does not
 * fill up. Throws `notify/pull-request-denied` or `notify/pull-request`.
 */
export async function commentOnPullRequest(options: CommentOptions): Promise<void> {
  const { pullRequest, signal } = options;
  const octokit = getOctokit(options.token.reveal(), { baseUrl: options.apiUrl, request: { signal } });
  const place = { owner: pullRequest.owner, repo: pullRequest.repository };
  const body = `${marker}\n${options.markdown}`;
  try {
    const existing = await ownComment(octokit, pullRequest);
    if (existing === undefined) await octokit.rest.issues.createComment({ ...place, issue_number: pullRequest.number, body });
    else await octokit.rest.issues.updateComment({ ...place, comment_id: existing, body });
  } catch (error) {
    throw failure(error, pullRequest);
  }
}

/** The id of the comment that an earlier run wrote. A comment of another person who copied the marker is not taken for ours. */
async function ownComment(octokit: Octokit, { owner, repository, number }: PullRequest): Promise<number | undefined> {
  const pages = octokit.paginate.iterator(octokit.rest.issues.listComments, {
    owner,
    repo: repository,
    issue_number: number,
    per_page: 100,
  });
  let ourLogin: string | undefined;
  for await (const { data: comments } of pages) {
    for (const comment of comments.filter(({ body }) => body?.startsWith(marker))) {
      if (comment.user?.type === 'Bot') return comment.id;
      ourLogin ??= await login(octokit);
      if (comment.user?.login === ourLogin) return comment.id;
    }
  }
  return undefined;
}

/** The name behind a personal token; empty for the token of a job, which is a bot's and may not ask. */
async function login(octokit: Octokit): Promise<string> {
  try {
    return (await octokit.rest.users.getAuthenticated()).data.login;
  } catch {
    return '';
  }
}

function failure(error: unknown, { number }: PullRequest): GuardError {
  const { status } = error as { status?: number };
  const subject = `pull request ${number}`;
  if (status === 401 || status === 403 || status === 404) {
    return new GuardError('notify/pull-request-denied', `GitHub did not allow a comment on ${subject} (${status}).`, { cause: error });
  }
  const label = status === undefined || status === 500 ? 'no usable answer' : `status ${status}`;
  return new GuardError('notify/pull-request', `GitHub did not take the comment on ${subject}: ${label}.`, { cause: error });
}
