import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { GuardError } from '../../errors/guard-error.ts';
import { send, type Answer, type Failure, type Request } from '../../http/request.ts';
import type { Log } from '../../log/log.ts';
import type { Secret } from '../../redaction/secret.ts';
import { answerChallenge, parseChallenge, type DigestChallenge } from './http-digest.ts';

export interface AtlasAccess {
  /** Address of Atlas; default: `https://cloud.mongodb.com`. */
  readonly url?: string | undefined;
  /** Public key of an API key, or id of a service account (`mdb_sa_id_…`). */
  readonly keyId: string;
  readonly keySecret: Secret;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Milliseconds before the first repetition; each next one waits twice as long. For tests. */
  readonly pause?: number | undefined;
}

export interface AtlasRequest<T> {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Below `/api/atlas/v2`. */
  readonly path: string;
  readonly body?: unknown;
  readonly answer: z.ZodType<T>;
  /** Whether the request may be sent again when it is not known what became of it; default: but for POST. */
  readonly repeatable?: boolean;
}

/** Sends a request and reads the answer; `undefined` for 404. Throws `engine/denied`, `engine/unreachable`, `engine/failed`. */
export type Atlas = <T>(request: AtlasRequest<T>) => Promise<T | undefined>;

/** The release of the resources; Atlas answers it as long as it is named. */
const mediaType = 'application/vnd.atlas.2023-01-01+json';
const attempts = 6;
const timeout = 60_000;
/** Longest wait that a server can ask for, milliseconds. */
const longestPause = 60_000;

const refusal = z.object({ detail: z.string().optional(), errorCode: z.string().optional(), error_description: z.string().optional() });
const token = z.object({ access_token: z.string(), expires_in: z.number() });

/**
 * The Atlas Administration API v2, with an API key (HTTP digest) or a service account (OAuth 2 client credentials). A limit of rate is
 * waited for, failures of the server and of the network are tried again. Throws `input/invalid` for an address that is none.
 */
export function atlasClient(access: AtlasAccess): Atlas {
  const base = access.url ?? 'https://cloud.mongodb.com';
  if (!URL.canParse(base)) throw new GuardError('input/invalid', 'atlas-url: expected an address such as https://cloud.mongodb.com.');
  const authorize = access.keyId.startsWith('mdb_sa_id_') ? bearer(access, base) : digest(access);
  return async ({ method, path, body, answer: schema, repeatable = method !== 'POST' }) => {
    const request: Request = {
      method,
      url: new URL(`/api/atlas/v2${path}`, base),
      headers: { accept: mediaType, ...(body === undefined ? {} : { 'content-type': mediaType }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    };
    const doing = `Asking Atlas for ${method} ${path.replace(/^.*\/backup\//, 'backup/')}`;
    const answer = await patiently(access, { doing, repeatable }, () => authorize(request));
    if (answer.status === 404) return undefined;
    if (answer.status >= 400) throw refused(doing, answer);
    const read = schema.safeParse(answer.body === '' ? {} : json(answer.body));
    if (read.success) return read.data;
    throw new GuardError('engine/failed', `${doing}: the answer cannot be read: ${z.prettifyError(read.error)}`);
  };
}

interface Attempted {
  readonly doing: string;
  readonly repeatable: boolean;
}

/** The first answer that is neither a limit of rate nor a failure of the server. Throws `engine/unreachable`. */
async function patiently(access: AtlasAccess, { doing, repeatable }: Attempted, attempt: () => Promise<Answer | Failure>): Promise<Answer> {
  const { log, signal, pause = 1_000 } = access;
  for (let number = 1; ; number++) {
    signal.throwIfAborted();
    const answer = await attempt();
    const limited = answer.kind === 'answer' && answer.status === 429;
    if (answer.kind === 'answer' && !limited && answer.status < 500) return answer;
    const what = answer.kind === 'answer' ? `HTTP ${answer.status}` : answer.message;
    // A limit of rate and a refused connection mean that nothing was done.
    const untouched = limited || (answer.kind === 'failure' && ['refused', 'unknown-host', 'unreachable'].includes(answer.reason));
    if (number === attempts || (!repeatable && !untouched)) throw new GuardError('engine/unreachable', `${doing}: ${what}.`);
    const asked = answer.kind === 'answer' ? Number(answer.headers.get('retry-after') ?? Number.NaN) * 1_000 : Number.NaN;
    const wait = Math.min(Number.isFinite(asked) ? asked : pause * 2 ** (number - 1), longestPause);
    log.info(`${doing}: ${what}; trying again in ${(wait / 1_000).toFixed(1)} s`);
    await sleep(wait, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

type Authorize = (request: Request) => Promise<Answer | Failure>;

const authorized = (request: Request, authorization: string): Request => ({
  ...request,
  headers: { ...request.headers, authorization },
});

/** By an API key. A challenge serves until the server gives another one. */
function digest({ keyId: user, keySecret, signal }: AtlasAccess): Authorize {
  let known: { readonly challenge: DigestChallenge; count: number } | undefined;
  const answering = (request: Request): Request => {
    if (known === undefined) return request;
    const target = `${request.url.pathname}${request.url.search}`;
    const asked = { method: request.method, target, user, password: keySecret.reveal(), count: ++known.count };
    return authorized(request, answerChallenge(known.challenge, asked));
  };
  return async (request) => {
    const first = await send(answering(request), { timeout, signal });
    const challenge = first.kind === 'answer' && first.status === 401 ? parseChallenge(first.headers.get('www-authenticate')) : undefined;
    if (challenge === undefined) return first;
    known = { challenge, count: 0 };
    return send(answering(request), { timeout, signal });
  };
}

/** By a service account: its token serves for an hour or so. */
function bearer(access: AtlasAccess, base: string): Authorize {
  const { keyId, keySecret, signal } = access;
  let known: { readonly text: string; readonly until: number } | undefined;
  const fetchToken = async (): Promise<string> => {
    const request: Request = {
      method: 'POST',
      url: new URL('/api/oauth/token', base),
      headers: {
        accept: 'application/json',
        'content-type': 'application/x-www-form-urlencoded',
        authorization: `Basic ${Buffer.from(`${keyId}:${keySecret.reveal()}`).toString('base64')}`,
      },
      body: 'grant_type=client_credentials',
    };
    const doing = 'Asking Atlas for a token of the service account';
    const answer = await patiently(access, { doing, repeatable: true }, () => send(request, { timeout, signal }));
    const read = token.safeParse(json(answer.body));
    if (answer.status !== 200 || !read.success) throw refused(doing, answer);
    known = { text: read.data.access_token, until: performance.now() + (read.data.expires_in - 60) * 1_000 };
    return known.text;
  };
  return async (request) => {
    const text = known !== undefined && known.until > performance.now() ? known.text : await fetchToken();
    const answer = await send(authorized(request, `Bearer ${text}`), { timeout, signal });
    if (answer.kind !== 'answer' || answer.status !== 401) return answer;
    return send(authorized(request, `Bearer ${await fetchToken()}`), { timeout, signal });
  };
}

function refused(doing: string, { status, body }: Answer): GuardError {
  const { errorCode, detail, error_description: description } = refusal.catch({}).parse(json(body));
  const words = [errorCode, detail ?? description].filter((word) => word !== undefined).join(': ');
  const code = status === 401 || status === 403 ? 'engine/denied' : 'engine/failed';
  return new GuardError(code, `${doing}: HTTP ${status}${words === '' ? '' : ` (${words})`}.`);
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
