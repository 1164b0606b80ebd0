import { createHash, randomBytes } from 'node:crypto';

export interface DigestChallenge {
  readonly realm: string;
  readonly nonce: string;
  readonly opaque: string | undefined;
  readonly algorithm: 'MD5' | 'SHA-256';
  readonly qop: boolean;
}

export interface DigestRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly user: string;
  readonly password: string;
  /** How often the nonce was used, this time included. */
  readonly count: number;
  /** Made up by the client; default: random. */
  readonly clientNonce?: string;
}

/** What a server asks for by `WWW-Authenticate: Digest …` (RFC 7616); `undefined` when it asks for something else. Pure. */
export function parseChallenge(header: string | null): DigestChallenge | undefined {
  const text = /(?:^|,\s*)Digest\s+(.*)$/is.exec(header ?? '')?.[1];
  if (text === undefined) return undefined;
  const parts = new Map<string, string>();
  for (const [, name = '', quoted, plain] of text.matchAll(/(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))/g))
    parts.set(name.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? plain ?? '');
  const [realm, nonce, algorithm = 'MD5'] = [parts.get('realm'), parts.get('nonce'), parts.get('algorithm')];
  if (realm === undefined || nonce === undefined || !/^(MD5|SHA-256)$/i.test(algorithm)) return undefined;
  return {
    realm,
    nonce,
    opaque: parts.get('opaque'),
    algorithm: algorithm.toUpperCase() === 'MD5' ? 'MD5' : 'SHA-256',
    qop: (parts.get('qop') ?? '').split(/\s*,\s*/).includes('auth'),
  };
}

/** The `Authorization` header that answers a challenge. The password itself is not in it. */
export function answerChallenge({ realm, nonce, opaque, algorithm, qop }: DigestChallenge, request: DigestRequest): string {
  const hash = (text: string): string =>
    createHash(algorithm === 'MD5' ? 'md5' : 'sha256')
      .update(text)
      .digest('hex');
  const { method, target, user, password, count, clientNonce = randomBytes(8).toString('hex') } = request;
  const number = count.toString(16).padStart(8, '0');
  const secret = hash(`${user}:${realm}:${password}`);
  const asked = hash(`${method}:${target}`);
  const response = hash(qop ? `${secret}:${nonce}:${number}:${clientNonce}:auth:${asked}` : `${secret}:${nonce}:${asked}`);
  const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;
  const parts = [
    `username=${quoted(user)}`,
    `realm=${quoted(realm)}`,
    `nonce=${quoted(nonce)}`,
    `uri=${quoted(target)}`,
    `algorithm=${algorithm}`,
    `response="${response}"`,
    ...(qop ? ['qop=auth', `nc=${number}`, `cnonce="${clientNonce}"`] : []),
    ...(opaque === undefined ? [] : [`opaque=${quoted(opaque)}`]),
  ];
  return `Digest ${parts.join(', ')}`;
}
