import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { json, startHttpService, type HttpService, type Received } from './http-service.ts';

export const atlasProject = '32b6e34b3d91647abb20e7b8';
export const atlasKey = { id: 'kqzvmzdx', secret: '7d0c2d64-aa34-4b5f-a1d0-000000000000' };
export const atlasAccount = { id: 'mdb_sa_id_65f1a2b3c4d5e6f708192a3b', secret: 'mdb_sa_sk_8cW1x' };

export type Answering = (request: Received, response: ServerResponse) => void;

export interface AtlasService extends AsyncDisposable {
  readonly url: string;
  /** Requests that were let in, as `METHOD path` below the cluster. */
  readonly asked: readonly string[];
  readonly http: HttpService;
}

/**
 * A server that lets in as Atlas does, by HTTP digest or by the token of a service account, and answers what each `METHOD path` has in
 * store: one after another, the last one again and again.
 */
export async function startAtlas(answers: Readonly<Record<string, readonly Answering[]>>, tokenSeconds = 3_600): Promise<AtlasService> {
  const asked: string[] = [];
  const nonce = { value: 'first', uses: 0 };
  let tokens = 0;
  const http = await startHttpService((request, response) => {
    if (request.url === '/api/oauth/token') {
      const expected = `Basic ${Buffer.from(`${atlasAccount.id}:${atlasAccount.secret}`).toString('base64')}`;
      if (request.headers.authorization !== expected || request.body !== 'grant_type=client_credentials')
        return json(response, 401, { error: 'invalid_client', error_description: 'Client authentication failed' });
      return json(response, 200, { access_token: `token-${++tokens}`, expires_in: tokenSeconds, token_type: 'Bearer' });
    }
    if (request.headers.authorization !== `Bearer token-${tokens}` && !answersDigest(request, nonce.value)) {
      nonce.value = `nonce-${++nonce.uses}`;
      const challenge = `Digest realm="MMS Public API", domain="", nonce="${nonce.value}", algorithm=MD5, qop="auth", stale=false`;
      response.setHeader('www-authenticate', challenge);
      return json(response, 401, { error: 401, errorCode: 'NOT_ORG_GROUP_CREATOR', detail: 'You are not authorized for this resource.' });
    }
    const key = `${request.method} ${request.url.replace(`/api/atlas/v2/groups/${atlasProject}/clusters/shop/backup/`, '')}`;
    const earlier = asked.filter((one) => one === key).length;
    asked.push(key);
    const [first, ...more] = answers[key] ?? [];
    if (first === undefined) return json(response, 404, { error: 404, errorCode: 'RESOURCE_NOT_FOUND', detail: 'Cannot find resource.' });
    (earlier === 0 ? first : (more[earlier - 1] ?? more.at(-1) ?? first))(request, response);
  });
  return { url: http.url, asked, http, [Symbol.asyncDispose]: () => http[Symbol.asyncDispose]() };
}

function answersDigest({ method, url, headers }: Received, nonce: string): boolean {
  const text = headers.authorization ?? '';
  const part = (name: string): string => new RegExp(`\\b${name}="?([^",]+)`).exec(text)?.[1] ?? '';
  const md5 = (value: string): string => createHash('md5').update(value).digest('hex');
  const secret = md5(`${atlasKey.id}:MMS Public API:${atlasKey.secret}`);
  const expected = md5(`${secret}:${nonce}:${part('nc')}:${part('cnonce')}:auth:${md5(`${method}:${url}`)}`);
  return text.startsWith('Digest ') && part('uri') === url && part('response') === expected;
}

export const answer =
  (value: unknown, status = 200): Answering =>
  (_request, response) =>
    json(response, status, value);

/** A snapshot of a sharded cluster, in the words of the Atlas Administration API. */
export function atlasSnapshot(status: string, over: object = {}): object {
  return {
    createdAt: '2026-11-21T10:00:00Z',
    description: 'Migration Guard mark',
    expiresAt: '2026-12-21T10:00:00Z',
    frequencyType: 'ondemand',
    id: '5f1b3c4d5e6f708192a3b4c5',
    mongodVersion: '8.0.12',
    snapshotIds: ['5f1b3c4d5e6f708192a3b4c6'],
    snapshotType: 'onDemand',
    status,
    storageSizeBytes: 4_096,
    type: 'shardedCluster',
    ...over,
  };
}
