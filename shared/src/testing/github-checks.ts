import { json, startHttpService, type HttpService } from './http-service.ts';

export interface CheckRun {
  readonly name: string;
  readonly head_sha: string;
  readonly conclusion: string;
  readonly output: {
    readonly title: string;
    readonly summary: string;
    readonly annotations: readonly { readonly path: string; readonly start_line: number; readonly annotation_level: string }[];
  };
}

export interface GithubChecks extends HttpService {
  readonly checkRuns: readonly CheckRun[];
}

/**
 * The part of GitHub's REST interface that takes check runs of octo/shop, with its limits: 50 annotations a request, which add up.
 * https://docs.github.com/en/rest/checks/runs
 */
export async function startGithubChecks({ refuse }: { readonly refuse?: number } = {}): Promise<GithubChecks> {
  const checkRuns: CheckRun[] = [];
  const service = await startHttpService(({ method, url, body }, response) => {
    const id = Number(/^\/repos\/octo\/shop\/check-runs(?:\/(\d+))?$/.exec(url)?.[1] ?? 0);
    if (refuse !== undefined)
      return json(response, refuse, { message: refuse === 403 ? 'Resource not accessible by integration' : 'Trouble' });
    const sent = JSON.parse(body) as CheckRun;
    if (sent.output.annotations.length > 50) return json(response, 422, { message: 'No more than 50 annotations' });
    if (sent.output.summary.length > 65_535) return json(response, 422, { message: 'Summary is too long' });
    if (method === 'POST' && id === 0) {
      checkRuns.push(sent);
      return json(response, 201, { id: checkRuns.length });
    }
    const known = checkRuns[id - 1];
    if (method !== 'PATCH' || known === undefined) return json(response, 404, { message: 'Not Found' });
    const annotations = [...known.output.annotations, ...sent.output.annotations];
    checkRuns[id - 1] = { ...known, output: { ...sent.output, annotations } };
    return json(response, 200, { id });
  });
  return { ...service, checkRuns };
}
