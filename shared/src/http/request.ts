import { deadlineAfter } from '../timing/deadline.ts';

/** One HTTP request, ready to be sent. */
export interface Request {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Answer {
  readonly kind: 'answer';
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
  /** From the send to the last byte of the body, milliseconds. */
  readonly milliseconds: number;
}

export type FailureReason =
  'refused' | 'closed' | 'timeout' | 'unknown-host' | 'unreachable' | 'certificate' | 'too-large' | 'not-sendable' | 'other';

/** No complete answer. Its words hold nothing of what was sent or received. */
export interface Failure {
  readonly kind: 'failure';
  readonly reason: FailureReason;
  readonly message: string;
  readonly milliseconds: number;
}

export interface SendOptions {
  /** Time for the whole exchange, milliseconds. */
  readonly timeout: number;
  readonly signal: AbortSignal;
}

const largestBody = 16 * 2 ** 20;

/**
 * Sends one request and reads the whole answer within the deadline. Redirects are answers: following them could carry a token to another
 * host. Rejects only when `signal` is aborted, with its reason; everything else that goes wrong is a `Failure`.
 */
export async function send(request: Request, { timeout, signal }: SendOptions): Promise<Answer | Failure> {
  signal.throwIfAborted();
  const deadline = deadlineAfter(timeout);
  const started = performance.now();
  const elapsed = (): number => performance.now() - started;
  try {
    const response = await fetch(request.url, {
      method: request.method,
      headers: { ...request.headers },
      redirect: 'manual',
      signal: AbortSignal.any([signal, deadline]),
      ...(request.body === undefined ? {} : { body: request.body }),
    });
    const body = await readBody(response);
    return { kind: 'answer', status: response.status, headers: response.headers, body, milliseconds: elapsed() };
  } catch (error) {
    signal.throwIfAborted();
    const reason = deadline.aborted ? 'timeout' : reasonOf(error);
    return {
      kind: 'failure',
      reason,
      message: deadline.aborted ? `no answer within ${timeout} ms` : words[reason],
      milliseconds: elapsed(),
    };
  }
}

class BodyTooLarge extends Error {}

async function readBody(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > largestBody) throw new BodyTooLarge();
    chunks.push(chunk);
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}

const words: Readonly<Record<FailureReason, string>> = {
  refused: 'the connection was refused',
  closed: 'the connection was closed before the answer was complete',
  timeout: 'no answer in time',
  'unknown-host': 'the host name is not known',
  unreachable: 'the host cannot be reached',
  certificate: 'the TLS connection failed: the certificate is not trusted or does not fit the host',
  'too-large': `the body is larger than ${largestBody / 2 ** 20} MiB`,
  'not-sendable': 'the request cannot be sent: a header or a value that was put in is not allowed in HTTP',
  other: 'the exchange failed',
};

const byCode: Readonly<Record<string, FailureReason>> = {
  ECONNREFUSED: 'refused',
  ECONNRESET: 'closed',
  EPIPE: 'closed',
  UND_ERR_SOCKET: 'closed',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'closed',
  ETIMEDOUT: 'timeout',
  UND_ERR_CONNECT_TIMEOUT: 'timeout',
  ENOTFOUND: 'unknown-host',
  EAI_AGAIN: 'unknown-host',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  UND_ERR_INVALID_ARG: 'not-sendable',
};

/** Node's fetch hides the reason in `cause`; without one, it refused to send. Several addresses of a host give the code of the first. */
function reasonOf(error: unknown): FailureReason {
  if (error instanceof BodyTooLarge) return 'too-large';
  const { name, cause } = error as { name?: string; cause?: { code?: string } };
  if (cause === undefined) return name === 'TypeError' ? 'not-sendable' : 'other';
  const code = cause.code ?? '';
  if (/^(ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/.test(code)) return 'certificate';
  return byCode[code] ?? 'other';
}
