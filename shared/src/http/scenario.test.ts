import { describe, expect, test } from '@jest/globals';
import { silentLog } from '../log/log.ts';
import { json, startHttpService } from '../testing/http-service.ts';
import { runScenario, type Session, type StepResult } from './scenario.ts';
import { step } from './step.ts';

function sessionFor(url: string, values: Readonly<Record<string, unknown>> = {}, signal = new AbortController().signal): Session {
  return { base: new URL(url), headers: {}, timeout: 5_000, values: new Map(Object.entries(values)), signal, log: silentLog };
}

async function perform(steps: readonly unknown[], session: Session): Promise<StepResult[]> {
  const results: StepResult[] = [];
  const parsed = steps.map((one) => step.parse(one));
  for await (const result of runScenario(parsed, session)) results.push(result);
  return results;
}

describe('runScenario', () => {
  test('hands captured values on: register, token, order, driver', async () => {
    await using service = await startHttpService(({ url, headers }, response) => {
      if (url === '/api/register') json(response, 201, { user: { id: 12 } });
      else if (url === '/api/login') json(response, 200, { token: 'tok-1' });
      else if (headers.authorization !== 'Bearer tok-1') json(response, 401, {});
      else if (url === '/api/orders') json(response, 201, { order: { id: 'o/7', total: 30 } });
      else json(response, 200, { order: { driver: 'd' } });
    });
    const auth = { authorization: 'Bearer {{token}}' };
    const results = await perform(
      [
        { name: 'register', request: 'POST /register', json: { phone: '{{digits}}', key: '{{uuid}}' }, capture: { userId: '$.user.id' } },
        { name: 'login', request: 'POST /login', json: { userId: '{{userId}}' }, capture: { token: '$.token' } },
        { name: 'order', request: 'POST /orders', headers: auth, json: {}, capture: { orderId: '$.order.id', total: '$.order.total' } },
        { name: 'assign', request: 'PATCH /orders/{{orderId}}/driver', headers: auth, expect: { json: { '$.order.driver': 'd' } } },
      ],
      sessionFor(`${service.url}/api/`),
    );
    expect(results.map(({ name, status, problems, request }) => [name, status, problems, request])).toEqual([
      ['register', 201, [], 'POST /register'],
      ['login', 200, [], 'POST /login'],
      ['order', 201, [], 'POST /orders'],
      ['assign', 200, [], 'PATCH /orders/{{orderId}}/driver'],
    ]);
    expect(service.received.map(({ method, url }) => `${method} ${url}`).at(-1)).toBe('PATCH /api/orders/o%2F7/driver');
    expect(JSON.parse(service.received[0]?.body ?? '')).toEqual({
      phone: expect.stringMatching(/^\d{8}$/),
      key: expect.stringMatching(/^[\da-f-]{36}$/),
    });
    expect(JSON.parse(service.received[1]?.body ?? '')).toEqual({ userId: 12 });
    expect(service.received[0]?.headers['content-type']).toBe('application/json');
  });

  test('stops at the first failed step', async () => {
    await using service = await startHttpService(({ url }, response) => json(response, url === '/b' ? 500 : 200, {}));
    const results = await perform(
      ['a', 'b', 'c'].map((name) => ({ name, request: `GET /${name}` })),
      sessionFor(service.url),
    );
    expect(results.map(({ name, problems }) => [name, problems])).toEqual([
      ['a', []],
      ['b', ['status 500 instead of 2xx']],
    ]);
  });

  test('fails the step that could not capture, not a later one', async () => {
    await using service = await startHttpService((_, response) => json(response, 200, { other: 1 }));
    const [result] = await perform([{ name: 'login', request: 'GET /', capture: { token: '$.token' } }], sessionFor(service.url));
    expect(result?.problems).toEqual(['the answer holds no token to capture']);
  });

  test('repeats a request only where retries are configured, and never after a wrong answer', async () => {
    await using service = await startHttpService(({ url }, response) => {
      const times = service.received.filter((received) => received.url === url).length;
      if (url === '/starting') return json(response, times < 3 ? 503 : 200, {});
      return json(response, url === '/wrong' ? 404 : 503, {});
    });
    const session = sessionFor(service.url);
    expect(await perform([{ name: 's', request: 'GET /starting', retries: 2 }], session)).toMatchObject([{ attempts: 3, problems: [] }]);
    expect(await perform([{ name: 'w', request: 'GET /wrong', retries: 2 }], session)).toMatchObject([{ attempts: 1, status: 404 }]);
    expect(await perform([{ name: 'n', request: 'GET /none' }], session)).toMatchObject([{ attempts: 1, status: 503 }]);
  });

  test('gives a failed connection as a problem of the step', async () => {
    await using service = await startHttpService((_, response) => response.destroy());
    const [result] = await perform([{ name: 'x', request: 'GET /' }], sessionFor(service.url));
    expect(result).toMatchObject({ problems: ['the connection was closed before the answer was complete'] });
    expect(result).not.toHaveProperty('status');
  });

  test('ends a pause between attempts when the run is cancelled', async () => {
    const controller = new AbortController();
    await using service = await startHttpService((_, response) => json(response, 503, {}));
    const log = { ...silentLog, info: () => controller.abort(new Error('cancelled')) };
    const session = { ...sessionFor(service.url, {}, controller.signal), log };
    await expect(perform([{ name: 'x', request: 'GET /', retries: 20 }], session)).rejects.toThrow('cancelled');
    expect(service.received).toHaveLength(1);
  });
});
