import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface CacheService extends AsyncDisposable {
  /** What the runner would set for the step. */
  readonly env: Readonly<Record<string, string>>;
  /** Keys in the order in which they were saved. */
  readonly saved: readonly string[];
}

interface Entry {
  readonly version: string;
  readonly blocks: Map<string, Buffer>;
  content?: Buffer;
}

/** A cache service of GitHub Actions, version 2, on loopback: keys are immutable, content goes through the Azure block blob protocol. */
export async function startCacheService(): Promise<CacheService> {
  const entries = new Map<string, Entry>();
  const saved: string[] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', address(server));
    const answer = url.pathname.startsWith('/twirp/') ? twirp : blob;
    void answer({ request, response, url, entries, saved }).catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const env = { ACTIONS_CACHE_SERVICE_V2: 'true', ACTIONS_RESULTS_URL: `${address(server)}/`, ACTIONS_RUNTIME_TOKEN: 'token' };
  return { env, saved, [Symbol.asyncDispose]: () => stop(server) };
}

interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  readonly entries: Map<string, Entry>;
  readonly saved: string[];
}

async function twirp({ request, response, url, entries, saved }: Call): Promise<void> {
  const { key = '', version = '' } = JSON.parse(String(await body(request))) as { key?: string; version?: string };
  const blobUrl = `${url.origin}/devstoreaccount1/cache/${encodeURIComponent(key)}`;
  const entry = entries.get(key);
  const reply = (value: unknown): void => void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
  switch (url.pathname.split('/').at(-1) ?? '') {
    case 'CreateCacheEntry':
      if (entry !== undefined) return void response.writeHead(409).end(JSON.stringify({ code: 'already_exists', msg: 'exists' }));
      entries.set(key, { version, blocks: new Map() });
      return reply({ ok: true, signed_upload_url: blobUrl });
    case 'FinalizeCacheEntryUpload':
      saved.push(key);
      return reply({ ok: true, entry_id: '1' });
    default:
      return reply(
        entry?.content === undefined || entry.version !== version
          ? { ok: false }
          : { ok: true, signed_download_url: blobUrl, matched_key: key },
      );
  }
}

async function blob({ request, response, url, entries }: Call): Promise<void> {
  const entry = entries.get(decodeURIComponent(url.pathname.split('/').at(-1) ?? ''));
  if (entry === undefined) return void response.writeHead(404).end();
  if (request.method !== 'PUT')
    return void response
      .writeHead(200, { 'content-length': entry.content?.length ?? 0 })
      .end(request.method === 'HEAD' ? undefined : entry.content);
  const content = await body(request);
  const part = url.searchParams.get('comp');
  if (part === 'block') entry.blocks.set(url.searchParams.get('blockid') ?? '', content);
  else if (part === 'blocklist')
    entry.content = Buffer.concat(
      [...String(content).matchAll(/<Latest>([^<]+)<\/Latest>/g)].map(([, id]) => entry.blocks.get(id ?? '') ?? Buffer.alloc(0)),
    );
  else entry.content = content;
  response.writeHead(201, { etag: `"${randomUUID()}"`, 'last-modified': new Date(0).toUTCString(), 'x-ms-request-id': '1' }).end();
}

async function body(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

function address(server: ReturnType<typeof createServer>): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function stop(server: ReturnType<typeof createServer>): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
