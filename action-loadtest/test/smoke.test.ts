import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { loadtestResults } from '@migration-guard/shared/load/results';
import { startJob, type StepResult } from '@migration-guard/shared/testing/action-runner';
import { json, startHttpService, type HttpService, type Respond } from '@migration-guard/shared/testing/http-service';

const token = 'captured-token-81730';
const apiKey = 'environment-secret-4462';

/** A service with register, token, order and assignment of a driver, as a scenario expects it. */
const marketplace: Respond = ({ method, url, headers }, response) => {
  const call = `${method} ${url}`;
  if (call === 'POST /users' && headers['x-api-key'] === apiKey) json(response, 201, { user: { id: 'user-5' } });
  else if (call === 'POST /tokens') json(response, 200, { token });
  else if (headers.authorization !== `Bearer ${token}`) json(response, 401, { error: 'who?' });
  else if (call === 'POST /orders') json(response, 201, { order: { id: 'order-9', status: 'pending' } });
  else json(response, 200, { order: { id: 'order-9', status: 'assigned' } });
};

const authorization = 'Bearer {{token}}';
const scenario = {
  secrets: { apiKey: 'MARKET_KEY' },
  preflight: { wait: '300ms' },
  steps: [
    {
      name: 'register',
      request: 'POST /users',
      headers: { 'x-api-key': '{{apiKey}}' },
      json: { phone: '+967{{digits}}' },
      capture: { userId: '$.user.id' },
    },
    { name: 'token', request: 'POST /tokens', json: { userId: '{{userId}}' }, capture: { token: '$.token' } },
    {
      name: 'order',
      request: 'POST /orders',
      headers: { authorization },
      expect: { status: 201, json: { '$.order.status': 'pending' } },
      capture: { orderId: '$.order.id' },
    },
    {
      name: 'assign',
      request: 'PATCH /orders/{{orderId}}/driver',
      headers: { authorization },
      expect: { json: { '$.order.status': 'assigned' } },
    },
  ],
  performance: { steps: ['assign'], samples: 5, warmup: 1 },
};

interface Given {
  readonly inputs: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Files of the workspace. */
  readonly files?: Readonly<Record<string, string>>;
  readonly cancelWhen?: () => boolean;
}

async function smoke({
  inputs,
  env,
  files = {},
  cancelWhen,
}: Given): Promise<StepResult & { readonly results: () => ReturnType<typeof loadtestResults.read> }> {
  const workspace = await mkdtemp(path.join(tmpdir(), 'loadtest-'));
  try {
    for (const [name, content] of Object.entries(files)) {
      await mkdir(path.dirname(path.join(workspace, name)), { recursive: true });
      await writeFile(path.join(workspace, name), content);
    }
    await using job = await startJob({ workspace });
    const result = await job.run('loadtest', {
      inputs: { mode: 'smoke', ...inputs },
      env: { MARKET_KEY: apiKey, ...env },
      onStart: (child) => {
        const timer = setInterval(() => cancelWhen?.() === true && child.kill('SIGINT') && clearInterval(timer), 20);
        child.once('exit', () => clearInterval(timer));
      },
    });
    const file = result.outputs['results'];
    const document = file === undefined ? undefined : await loadtestResults.read(file);
    const everything = [result.rawLog, result.summary, JSON.stringify(result.outputs), JSON.stringify(document)].join('\n');
    const report = await readFile(result.outputs['run-report'] ?? '', 'utf8').catch(() => '');
    for (const secret of [token, apiKey, 'order-9', 'user-5']) expect(`${everything}${report}`).not.toContain(secret);
    return { ...result, results: async () => document ?? Promise.reject(new Error('There is no results document.')) };
  } finally {
    await rm(workspace, { recursive: true, force: true });
  }
}

const withScenario = (service: HttpService, changed: Readonly<Record<string, unknown>> = {}): Given => ({
  inputs: { 'base-url': service.url, scenario: 'smoke.yml' },
  files: { 'smoke.yml': JSON.stringify({ ...scenario, ...changed }) },
});

describe('smoke', () => {
  test('passes a service that works, and keeps what it captured to itself', async () => {
    await using service = await startHttpService(marketplace);
    const run = await smoke(withScenario(service));
    expect(run).toMatchObject({
      exitCode: 0,
      outputs: { result: 'passed', verdict: 'pass', severity: 'none', decision: 'continue', reason: '', reasons: '[]' },
    });
    const results = await run.results();
    expect(results.steps.map(({ name, status }) => [name, status])).toEqual([
      ['register', 201],
      ['token', 200],
      ['order', 201],
      ['assign', 200],
    ]);
    expect(results.samples).toMatchObject([{ name: 'assign', requests: 5, failed: 0, verdict: 'pass' }]);
    expect(service.received).toHaveLength(1 + 4 + 6);
    expect(run.summary).toContain('median');
  });

  test('reads the scenario from the configuration file', async () => {
    await using service = await startHttpService(marketplace);
    const section = { ...scenario, 'base-url': service.url };
    const run = await smoke({ inputs: {}, files: { '.github/migration-guard.yml': JSON.stringify({ loadtest: section }) } });
    expect(run).toMatchObject({ exitCode: 0, outputs: { verdict: 'pass' } });
  });

  test('fails with severity critical when the service breaks, and says which steps were not reached', async () => {
    await using service = await startHttpService((received, response) =>
      received.url === '/orders' ? json(response, 500, { error: `stack of ${token}` }) : marketplace(received, response),
    );
    const run = await smoke(withScenario(service));
    expect(run).toMatchObject({ exitCode: 1, outputs: { result: 'failed', verdict: 'fail', severity: 'critical', decision: 'rollback' } });
    expect(run.outputs['reason']).toMatch(/^error_rate_critical: 1 of \d+ requests failed/);
    expect(JSON.parse(run.outputs['reasons'] ?? '')).toEqual(['order: status 500 instead of 201; $.order.status is missing']);
    expect((await run.results()).skipped).toEqual(['assign']);
    expect(run.rawLog).toMatch(/::error.*loadtest\/failed.*order: status 500 instead of 201/);
  });

  test('warns about a service that is slow, and fails one that is very slow', async () => {
    await using service = await startHttpService((received, response) => {
      setTimeout(() => marketplace(received, response), received.method === 'PATCH' ? 60 : 0);
    });
    const warned = await smoke(withScenario(service, { performance: { ...scenario.performance, good: '50ms', critical: '1m' } }));
    expect(warned).toMatchObject({ exitCode: 0, outputs: { result: 'warned', verdict: 'warn', severity: 'medium' } });
    const failed = await smoke(withScenario(service, { performance: { ...scenario.performance, good: '10ms', critical: '20ms' } }));
    expect(failed).toMatchObject({ exitCode: 1, outputs: { verdict: 'fail', severity: 'critical' } });
    expect(failed.outputs['reasons']).toMatch(/assign: p95 \d+ ms, more than 20 ms/);
  });

  test('says that the API is down; without a verdict on the release unless that is configured', async () => {
    const url = await unusedAddress();
    const down = { url, received: [] } as unknown as HttpService;
    const run = await smoke(withScenario(down));
    expect(run).toMatchObject({
      exitCode: 1,
      outputs: { result: 'inconclusive', verdict: 'inconclusive', severity: 'critical', decision: 'continue' },
    });
    expect(run.outputs['reasons']).toContain('API down: the service cannot be reached, the connection was refused');
    expect((await run.results()).reachable).toBe(false);
    const strict = await smoke(withScenario(down, { preflight: { wait: '300ms', unreachable: 'fail' } }));
    expect(strict).toMatchObject({
      exitCode: 1,
      outputs: { result: 'failed', verdict: 'fail', severity: 'critical', decision: 'rollback' },
    });
  });

  test('gives no verdict when the time limit ends the check', async () => {
    await using service = await startHttpService((received, response) => {
      if (received.url !== '/tokens') marketplace(received, response);
    });
    const given = withScenario(service);
    const run = await smoke({ ...given, inputs: { ...given.inputs, duration: '1500ms' } });
    expect(run).toMatchObject({ exitCode: 1, outputs: { verdict: 'inconclusive', severity: 'none' } });
    expect(run.outputs['reasons']).toContain('time limit');
    expect((await run.results()).skipped).toEqual(['token', 'order', 'assign']);
  });

  test('stops when the run is cancelled', async () => {
    await using service = await startHttpService((received, response) => {
      if (received.url !== '/tokens') marketplace(received, response);
    });
    const run = await smoke({ ...withScenario(service), cancelWhen: () => service.received.some(({ url }) => url === '/tokens') });
    expect(run.exitCode).toBe(1);
    expect(run.rawLog).toContain('run/cancelled');
  });
});

describe('before anything is sent', () => {
  test.each(['not a url', 'ftp://host', 'http://user:hunter2@127.0.0.1', 'http://127.0.0.1/?key=1'])('refuses base-url %s', async (url) => {
    const run = await smoke({ inputs: { 'base-url': url, scenario: 'smoke.yml' } });
    expect(run.exitCode).toBe(1);
    expect(run.rawLog).toMatch(/::error.*input\/invalid: base-url/);
    expect(run.rawLog.replaceAll(/^::add-mask::.*$/gm, '')).not.toContain('hunter2');
  });

  test('shows line and column of a slip in the scenario file', async () => {
    await using service = await startHttpService(marketplace);
    const text =
      'steps:\n  - name: list\n    request: GET /orders\n    expect:\n      staus: 200\n  - name: one\n    request: GET /{{id}}\n';
    const run = await smoke({ ...withScenario(service), files: { 'smoke.yml': text } });
    expect(run.exitCode).toBe(1);
    expect(run.rawLog).toMatch(/::error .*file=smoke.yml,line=5,col=7.*config\/invalid/);
    expect(service.received).toHaveLength(0);
  });

  test('shows line and column of broken YAML', async () => {
    await using service = await startHttpService(marketplace);
    const run = await smoke({ ...withScenario(service), files: { 'smoke.yml': 'steps: [\n' } });
    expect(run.rawLog).toMatch(/::error .*file=smoke.yml,line=2.*config\/invalid: smoke.yml:2:1 is not valid YAML/);
  });

  test('names a scenario file that is not there, a missing secret and an empty scenario', async () => {
    await using service = await startHttpService(marketplace);
    const inputs = { 'base-url': service.url };
    const absent = await smoke({ inputs: { ...inputs, scenario: 'none.yml' } });
    expect(absent.rawLog).toContain('::error::config/not-found: ');
    const secretless = await smoke({ ...withScenario(service), env: { MARKET_KEY: '' } });
    expect(secretless.rawLog).toContain('::error::loadtest/secret-missing: The environment variable MARKET_KEY');
    const empty = await smoke({ inputs });
    expect(empty.rawLog).toContain('::error::loadtest/no-scenario: ');
    expect([absent.exitCode, secretless.exitCode, empty.exitCode]).toEqual([1, 1, 1]);
    expect(service.received).toHaveLength(0);
  });
});

async function unusedAddress(): Promise<string> {
  const service = await startHttpService(() => undefined);
  await service[Symbol.asyncDispose]();
  return service.url;
}
