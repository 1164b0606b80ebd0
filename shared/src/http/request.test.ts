import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { startHttpService } from '../testing/http-service.ts';
import { send, type Request } from './request.ts';

const never = new AbortController().signal;
const get = (url: string): Request => ({ method: 'GET', url: new URL(url), headers: {} });

async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe('send', () => {
  test('sends method, headers and body, and reads the whole answer', async () => {
    await using service = await startHttpService((_, response) => response.writeHead(201, { 'x-id': '7' }).end('naïve 😀'));
    const request = { method: 'POST', url: new URL(`${service.url}/orders?x=1`), headers: { authorization: 'Bearer a' }, body: '{"a":1}' };
    const answer = await send(request, { timeout: 5_000, signal: never });
    expect(answer).toMatchObject({ kind: 'answer', status: 201, body: 'naïve 😀' });
    expect(answer.kind === 'answer' && answer.headers.get('x-id')).toBe('7');
    expect(service.received).toMatchObject([
      { method: 'POST', url: '/orders?x=1', body: '{"a":1}', headers: { authorization: 'Bearer a' } },
    ]);
  });

  test('does not follow redirects: they could carry a token to another host', async () => {
    await using service = await startHttpService((_, response) => response.writeHead(302, { location: '/elsewhere' }).end());
    expect(await send(get(service.url), { timeout: 5_000, signal: never })).toMatchObject({ status: 302 });
    expect(service.received).toHaveLength(1);
  });

  test('gives up at the deadline, also in the middle of a body', async () => {
    await using service = await startHttpService((received, response) => {
      if (received.url === '/body') response.writeHead(200).write('half');
    });
    for (const path of ['/silent', '/body']) {
      const failure = await send(get(service.url + path), { timeout: 100, signal: never });
      expect(failure).toMatchObject({ kind: 'failure', reason: 'timeout', message: 'no answer within 100 ms' });
    }
  });

  test('says when the connection is refused', async () => {
    const failure = await send(get(`http://127.0.0.1:${await closedPort()}`), { timeout: 5_000, signal: never });
    expect(failure).toMatchObject({ kind: 'failure', reason: 'refused' });
  });

  test('says when the connection is closed before or within the answer', async () => {
    await using service = await startHttpService((received, response) => {
      if (received.url === '/half') response.writeHead(200, { 'content-length': '100' }).write('half', () => response.destroy());
      else response.destroy();
    });
    for (const path of ['/nothing', '/half']) {
      expect(await send(get(service.url + path), { timeout: 5_000, signal: never })).toMatchObject({ kind: 'failure', reason: 'closed' });
    }
  });

  test('says when the host is not known', async () => {
    const failure = await send(get('http://no-such-host.invalid'), { timeout: 20_000, signal: never });
    expect(failure).toMatchObject({ kind: 'failure', reason: 'unknown-host' });
  });

  test('does not repeat a header value that cannot be sent', async () => {
    await using service = await startHttpService((_, response) => response.end());
    const failure = await send({ ...get(service.url), headers: { authorization: 'hunter2\nx: y' } }, { timeout: 5_000, signal: never });
    expect(failure).toMatchObject({ kind: 'failure', reason: 'not-sendable' });
    expect(JSON.stringify(failure)).not.toContain('hunter2');
    expect(service.received).toHaveLength(0);
  });

  test('refuses a body without end', async () => {
    await using service = await startHttpService((_, response) => {
      const block = Buffer.alloc(2 ** 20);
      const more = (): void => void response.write(block, (error) => (error ? undefined : more()));
      response.writeHead(200);
      more();
    });
    expect(await send(get(service.url), { timeout: 20_000, signal: never })).toMatchObject({ kind: 'failure', reason: 'too-large' });
  });

  test('rejects with the reason of an abort', async () => {
    const controller = new AbortController();
    const cancelled = new Error('cancelled');
    await using service = await startHttpService(() => controller.abort(cancelled));
    await expect(send(get(service.url), { timeout: 5_000, signal: controller.signal })).rejects.toBe(cancelled);
    await expect(send(get(service.url), { timeout: 5_000, signal: controller.signal })).rejects.toBe(cancelled);
    expect(service.received).toHaveLength(1);
  });
});
