import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** What a proxy does with a request instead of passing it on as it is. */
export type Fault =
  /** Answers by itself. */
  | { readonly kind: 'answer'; readonly status: number; readonly code?: string; readonly headers?: Readonly<Record<string, string>> }
  /** Cuts the connection when so many bytes of the request have come. */
  | { readonly kind: 'reset'; readonly after: number }
  /** Passes the request on, and cuts the connection in place of the answer. */
  | { readonly kind: 'lose answer' }
  /** Answers nothing at all. */
  | { readonly kind: 'silence' }
  /** Passes on so many bytes a second of the request. */
  | { readonly kind: 'slow'; readonly bytesPerSecond: number }
  /** Ends the answer after so many bytes of its body. */
  | { readonly kind: 'cut answer'; readonly after: number };

/** Chooses what happens to a request; `undefined` passes it on. */
export type ChooseFault = (asked: {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingMessage['headers'];
}) => Fault | undefined;

export interface FaultyProxy extends AsyncDisposable {
  readonly endpoint: string;
  /** Requests as `METHOD path?query`. */
  readonly asked: readonly string[];
  choose: ChooseFault;
}

/**
 * A proxy on loopback in front of an HTTP server that makes the faults of networks and crowded servers. It keeps the `Host` header, so
 * signatures stay valid for the address of the proxy only: clients must be signed for it, as the server checks the header that it gets.
 */
export async function startFaultyProxy(target: string): Promise<FaultyProxy> {
  const to = new URL(target);
  const asked: string[] = [];
  const state: { choose: ChooseFault } = { choose: () => undefined };
  const server = createServer((incoming, response) => {
    const { method = 'GET', url: path = '/' } = incoming;
    const url = new URL(path, target);
    asked.push(`${method} ${path}`);
    const fault = state.choose({ method, url, headers: incoming.headers });
    void handle(incoming, response, { to, fault }).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    get choose() {
      return state.choose;
    },
    set choose(next) {
      state.choose = next;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

interface Way {
  readonly to: URL;
  readonly fault: Fault | undefined;
}

async function handle(incoming: IncomingMessage, response: ServerResponse, { to, fault }: Way): Promise<void> {
  if (fault?.kind === 'silence') return;
  if (fault?.kind === 'answer') {
    for await (const _ of incoming);
    const { status, code = 'InternalError', headers = {} } = fault;
    const body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>made up</Message></Error>`;
    response.writeHead(status, { 'content-type': 'application/xml', ...headers }).end(incoming.method === 'HEAD' ? undefined : body);
    return;
  }
  const { hostname: host, port } = to;
  const passed = request({ host, port, method: incoming.method, path: incoming.url, headers: incoming.headers });
  passed.on('error', () => response.destroy());
  passed.on('response', (answer) => {
    if (fault?.kind === 'lose answer') {
      answer.resume();
      answer.on('end', () => response.destroy());
      return;
    }
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    if (fault?.kind !== 'cut answer') answer.pipe(response);
    else void cutAfter(answer, response, fault.after);
  });
  let came = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    came += chunk.length;
    if (fault?.kind === 'reset' && came >= fault.after) {
      incoming.socket.resetAndDestroy();
      passed.destroy();
      return;
    }
    if (fault?.kind === 'slow') await sleep((chunk.length / fault.bytesPerSecond) * 1_000);
    if (!passed.write(chunk)) await once(passed, 'drain');
  }
  passed.end();
}

async function cutAfter(answer: IncomingMessage, response: ServerResponse, after: number): Promise<void> {
  let left = after;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    response.write(chunk.subarray(0, left));
    left -= chunk.length;
    if (left <= 0) break;
  }
  response.socket?.resetAndDestroy();
}
