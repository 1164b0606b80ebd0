import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { startJob, type Job, type StepResult } from '@migration-guard/shared/testing/action-runner';
import { startHttpService, type Respond } from '@migration-guard/shared/testing/http-service';
import { startMongod } from '@migration-guard/shared/testing/mongod';

interface Watching {
  readonly settings?: object;
  readonly inputs?: Readonly<Record<string, string>>;
  readonly onOutput?: (text: string) => void;
}

const quick = { interval: '20ms', window: '400ms', requests: 5 };

async function watch(job: Job, url: string, { settings = {}, inputs = {}, onOutput }: Watching = {}): Promise<StepResult> {
  await writeFile(path.join(job.workspace, 'guard.yml'), JSON.stringify({ loadtest: { timeout: '2s', watch: quick, ...settings } }));
  const all = { mode: 'watch', config: 'guard.yml', 'base-url': url, duration: '1s', ...inputs };
  return job.run('loadtest', { inputs: all, ...(onOutput === undefined ? {} : { onOutput }) });
}

const well: Respond = (_, response) => void response.writeHead(200).end('ok');

/** Of so many requests the last fails. */
function failing(every: number, from = 0): Respond {
  let count = 0;
  return (_, response) => {
    count += 1;
    response.writeHead(count > from && count % every === 0 ? 500 : 200).end();
  };
}

describe('a watch after a release', () => {
  test('of a healthy service goes on to its end and decides to continue', async () => {
    await using job = await startJob();
    await using service = await startHttpService(well);
    const watched = await watch(job, service.url);
    expect(watched).toMatchObject({ exitCode: 0, outputs: { decision: 'continue', severity: 'none', reason: '', verdict: 'pass' } });
    expect(watched.milliseconds).toBeGreaterThan(1_000);
    expect(service.received.length).toBeGreaterThan(20);
  });

  test('decides at once when many requests fail', async () => {
    await using job = await startJob();
    await using service = await startHttpService(failing(5));
    const watched = await watch(job, service.url, { inputs: { duration: '10m' } });
    expect(watched).toMatchObject({ exitCode: 1, outputs: { decision: 'rollback', severity: 'critical', verdict: 'fail' } });
    expect(watched.outputs['reason']).toMatch(/^error_rate_critical: \d+ of \d+ requests failed \(\d+\.\d %\)/);
  });

  test('gives a service the time of the rule to recover, and continues when it does', async () => {
    await using job = await startJob();
    let count = 0;
    await using service = await startHttpService((_, response) => {
      count += 1;
      response.writeHead(count < 150 && count % 12 === 0 ? 500 : 200).end();
    });
    const watched = await watch(job, service.url);
    expect(watched).toMatchObject({ exitCode: 0, outputs: { decision: 'continue', severity: 'none' } });
    expect(watched.rawLog).toMatch(/Waiting for it to recover: error_rate_high .* decides in \d+ s/);
    expect(watched.rawLog).toContain('It has recovered.');
  });

  test('decides when the time of the rule is up, also after its own end', async () => {
    await using job = await startJob();
    await using service = await startHttpService(failing(14));
    const detection = { error_rate_high: { within: '700ms' } };
    const watched = await watch(job, service.url, { settings: { detection }, inputs: { duration: '500ms' } });
    expect(watched).toMatchObject({ exitCode: 1, outputs: { decision: 'rollback', severity: 'high' } });
  });

  test('decides when the service is gone, and by own rules', async () => {
    await using job = await startJob();
    const gone = await startHttpService(well);
    await gone[Symbol.asyncDispose]();
    const down = await watch(job, gone.url);
    expect(down).toMatchObject({ exitCode: 1, outputs: { decision: 'rollback', severity: 'critical' } });
    expect(down.outputs['reason']).toContain('api_down: the last 3 requests had no answer');
    await using service = await startHttpService(failing(30));
    const rules = [{ name: 'strict', when: 'error_rate > 0.5 and requests >= 20', severity: 'medium' }];
    const own = await watch(job, service.url, { settings: { detection: { rules } } });
    expect(own.outputs).toMatchObject({
      decision: 'rollback',
      severity: 'medium',
      reason: expect.stringContaining('strict: error_rate > 0.5'),
    });
    const wrong = await watch(job, service.url, { settings: { detection: { rules: [{ name: 'x', when: 'errors > 1' }] } } });
    expect(wrong.annotations[0]?.message).toMatch(/config\/invalid.*names errors; known are count_loss/s);
  });

  test('decides when the database is lost', async () => {
    await using job = await startJob();
    await using service = await startHttpService(well);
    await using server = await startMongod({ kind: 'standalone' });
    let stopped: Promise<void> | undefined;
    const inputs = { uri: `${server.uri}&serverSelectionTimeoutMS=500`, duration: '10m' };
    const watched = await watch(job, service.url, {
      inputs,
      onOutput: (text) => void (text.includes('Watching') && (stopped ??= server.stop())),
    });
    await stopped;
    expect(watched).toMatchObject({ exitCode: 1, outputs: { decision: 'rollback', severity: 'critical' } });
    expect(watched.outputs['reason']).toContain('connection_lost');
  });
});
