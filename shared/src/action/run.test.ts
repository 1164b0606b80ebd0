import { describe, expect, test } from '@jest/globals';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { runReport } from '../report/run-report.ts';
import { runAction, startJob, type StepOptions, type StepResult } from '../testing/action-runner.ts';

const actions = path.join(import.meta.dirname, '..', 'testing', 'fixtures');
const run = (inputs: Record<string, string>, options: Partial<StepOptions> = {}): Promise<StepResult> =>
  runAction('sample', { inputs, job: { actions }, ...options });

/** Sends a signal as soon as the story has started. */
function interrupt(signals: readonly NodeJS.Signals[]): Pick<StepOptions, 'onStart' | 'onOutput'> {
  const running: { kill?: (signal: NodeJS.Signals) => void } = {};
  const waiting = [...signals];
  return {
    onStart: (child) => (running.kill = (signal) => void child.kill(signal)),
    onOutput: (text) => {
      if (/story started|stopping at the next safe point/.test(text)) {
        const next = waiting.shift();
        if (next !== undefined) running.kill?.(next);
      }
    },
  };
}

describe('runAction', () => {
  test.each([
    ['pass', 0, 'passed'],
    ['warn', 0, 'warned'],
    ['fail', 1, 'failed'],
  ])('%s ends with exit code %d and result %s', async (mode, exitCode, result) => {
    const step = await run({ mode });
    expect(step).toMatchObject({ exitCode, outputs: { count: '7', result } });
    expect(step.summary).toContain('Sample');
    expect(step.annotations.filter(({ level }) => level === 'error')).toHaveLength(exitCode);
  });

  test('a failure says code, what happened, the remedy and the state of the data, without a stack', async () => {
    const step = await run({ mode: 'refuse' });
    expect(step.exitCode).toBe(1);
    expect(step.annotations).toEqual([
      {
        level: 'error',
        message: expect.stringMatching(/^target\/no-database: No database is named\.\nSet the input .*\nThe data is untouched\.$/s),
      },
    ]);
    expect(step.log).not.toMatch(/^\s+at /m);
    expect(step.outputs).toMatchObject({ count: '7', result: 'failed' });
  });

  test('an unexpected error is named a bug of ours, with its stack in the log, masked', async () => {
    const step = await run({ mode: 'break', token: 'hunter2-hunter2' });
    expect(step.annotations[0]?.message).toMatch(/^internal\/bug: Unexpected TypeError: cannot read \*\*\*/);
    expect(step.log).toMatch(/^\s+at /m);
  });

  test('a promise that nobody waits for ends the step', async () => {
    const step = await run({ mode: 'reject' });
    expect(step).toMatchObject({ exitCode: 1, outputs: { result: 'failed' } });
    expect(step.annotations[0]?.message).toContain('nobody waits for me');
  });

  test('all problems of the inputs are one error, and the story does not start', async () => {
    const step = await run({ mode: 'pas', tokn: 'mongodb://u:hunter2-hunter2@h', database: '' });
    expect(step.exitCode).toBe(1);
    expect(step.annotations.map(({ message }) => message.split('\n')[0])).toEqual([
      expect.stringMatching(
        /^input\/invalid: 2 problems: tokn is not an input .*did you mean token\?\); mode expected one of .*did you mean pass\?\)\.$/,
      ),
    ]);
    expect(step.log + step.summary).not.toContain('hunter2-hunter2');
    expect(step.log).not.toContain('story started');
  });

  test('a typo in the configuration file is shown at its line and column', async () => {
    await using job = await startJob({ actions });
    await mkdir(path.join(job.workspace, '.github'));
    await writeFile(path.join(job.workspace, '.github', 'migration-guard.yml'), 'database: shop\nbackup:\n  not: me\n');
    const step = await job.run('sample', { inputs: {} });
    expect(step.annotations).toEqual([
      {
        level: 'error',
        file: '.github/migration-guard.yml',
        line: 3,
        column: 3,
        message: expect.stringMatching(/^config\/invalid: backup\.not is not a known setting.*\(\.github\/migration-guard\.yml:3:3\)/),
      },
    ]);
  });

  test('a configuration file that is asked for must be there', async () => {
    const step = await run({ config: 'missing.yml' });
    expect(step.annotations[0]?.message).toMatch(/^config\/not-found: The configuration file missing\.yml/);
  });

  test('cancel aborts the story, and outputs and report are written', async () => {
    await using job = await startJob({ actions });
    const step = await job.run('sample', { inputs: { mode: 'wait' }, ...interrupt(['SIGINT']) });
    expect(step).toMatchObject({ exitCode: 1, outputs: { count: '7', result: 'failed' } });
    expect(step.annotations.at(-1)?.message).toMatch(/^run\/cancelled: The run was cancelled \(SIGINT\)\.[^]*The data is untouched\./);
    const report = await runReport.read(step.outputs['run-report'] ?? '');
    expect(report.stages).toMatchObject([
      { action: 'backup', result: 'failed', error: { code: 'run/cancelled' }, figures: [{ name: 'documents', value: '12' }] },
    ]);
  });

  test('a story that does not stop is left behind before the runner kills the step', async () => {
    const step = await run({ mode: 'linger' }, interrupt(['SIGTERM']));
    expect(step).toMatchObject({ exitCode: 1, outputs: { result: 'failed' } });
    expect(step.milliseconds).toBeLessThan(7_500);
  });

  test('a second signal ends the process at once', async () => {
    const step = await run({ mode: 'linger' }, interrupt(['SIGINT', 'SIGINT']));
    expect(step).toMatchObject({ exitCode: 130, outputs: { count: '7' } });
  });

  test('secrets never show, in log, outputs, state, summary or report', async () => {
    await using job = await startJob({ actions });
    const step = await job.run('sample', { inputs: { mode: 'break', token: 'mongodb://ann:s3cr%40t-word@host/db' } });
    const report = JSON.stringify(await runReport.read(step.outputs['run-report'] ?? ''));
    for (const text of [step.log, step.summary, report, JSON.stringify(step.outputs), JSON.stringify(step.state)]) {
      expect(text).not.toMatch(/s3cr%40t-word|s3cr@t-word/);
    }
    expect(step.log).toContain('prints as [secret]');
  });

  test('the post step gets the saved state, also after the main step was killed', async () => {
    await using job = await startJob({ actions });
    await job.run('sample', { inputs: { note: 'the lock' } });
    await job.run('sample', { inputs: { mode: 'crash', note: 'the copy' } });
    const posts = await job.runPosts();
    expect(posts.map(({ log }) => /released .*/.exec(log)?.[0])).toEqual(['released the copy', 'released the lock']);
  });

  test('each action of a job appends its stage to the same report', async () => {
    await using job = await startJob({ actions });
    await job.run('sample', { inputs: {} });
    const last = await job.run('sample', { inputs: { mode: 'fail', environment: 'production' } });
    const report = await runReport.read(last.outputs['run-report'] ?? '');
    expect(report.stages.map(({ result }) => result)).toEqual(['passed', 'failed']);
    expect(report.run).toMatchObject({
      repository: 'octo/shop',
      environment: 'production',
      url: 'https://github.com/octo/shop/actions/runs/4711/attempts/1',
    });
  });
});
