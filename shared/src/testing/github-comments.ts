import { json, startHttpService, type HttpService } from './http-service.ts';

export interface Comment {
  readonly id: number;
  readonly body: string;
  readonly user: { readonly login: string; readonly type: 'Bot' | 'User' };
}

export interface GithubComments extends HttpService {
  readonly comments: readonly Comment[];
}

interface Options {
  readonly comments?: readonly Comment[];
  /** Status with which writing is refused. */
  readonly refuse?: number;
  /** Whose token it is; a job's token when not given. */
  readonly login?: string;
}

const bot = { login: 'github-actions[bot]', type: 'Bot' } as const;

/**
 * The part of GitHub's REST interface that serves the comments of octo/shop#7: pages by Link header, messages of refusal as GitHub words
 * them. https://docs.github.com/en/rest/issues/comments
 */
export async function startGithubComments({ comments: first = [], refuse, login }: Options = {}): Promise<GithubComments> {
  const comments = [...first];
  const service = await startHttpService(({ method, url, body, headers }, response) => {
    const { pathname, searchParams } = new URL(url, 'http://localhost');
    if (!/^(token|bearer) ./i.test(headers.authorization ?? '')) return json(response, 401, { message: 'Requires authentication' });
    if (pathname === '/user') {
      return login === undefined ? json(response, 403, { message: denied }) : json(response, 200, { login, type: 'User' });
    }
    if (method === 'GET' && pathname === '/repos/octo/shop/issues/7/comments') {
      const size = Number(searchParams.get('per_page') ?? 30);
      const page = Number(searchParams.get('page') ?? 1);
      if (page * size < comments.length) {
        const next = `<http://${headers.host}${pathname}?per_page=${size}&page=${page + 1}>; rel="next"`;
        response.setHeader('link', next);
      }
      return json(response, 200, comments.slice((page - 1) * size, page * size));
    }
    if (refuse !== undefined) return json(response, refuse, { message: refuse === 403 ? denied : 'Trouble' });
    const text = (JSON.parse(body) as { body: string }).body;
    if (text.length > 65_536) return json(response, 422, { message: 'Body is too long (maximum is 65536 characters)' });
    if (method === 'POST' && pathname === '/repos/octo/shop/issues/7/comments') {
      const user = login === undefined ? bot : ({ login, type: 'User' } as const);
      comments.push({ id: comments.length + 1, body: text, user });
      return json(response, 201, comments.at(-1));
    }
    const index = comments.findIndex(({ id }) => pathname === `/repos/octo/shop/issues/comments/${id}`);
    const comment = comments[index];
    if (method !== 'PATCH' || comment === undefined) return json(response, 404, { message: 'Not Found' });
    comments[index] = { ...comment, body: text };
    return json(response, 200, comments[index]);
  });
  return { ...service, comments };
}

const denied = 'Resource not accessible by integration';

/** `count` comments of people, from id 1. */
export function conversation(count: number): readonly Comment[] {
  return Array.from({ length: count }, (_, index) => ({ id: index + 1, body: 'Looks good', user: { login: 'mira', type: 'User' } }));
}
