import type { ChildProcess } from 'node:child_process';
import { startJob, type Job, type JobOptions, type StepResult } from '@migration-guard/shared/testing/action-runner';
import type { Timeline } from './timeline.ts';

/** The demo did not go as it must. `lines` are what a person should look at. */
export class DemoFailure extends Error {
  readonly lines: readonly string[];

  constructor(message: string, lines: readonly string[] = []) {
    super(message);
    this.lines = lines;
  }
}

export interface StageCall {
  readonly action: string;
  /** Name in the timeline. */
  readonly name: string;
  readonly inputs: Readonly<Record<string, string>>;
  readonly expected: 'success' | 'failure';
  /** One line about what was achieved. */
  readonly describe: (outputs: Readonly<Record<string, string>>) => string;
}

/** One run of a workflow: the built actions, each in a process of its own, as GitHub's runner starts them. */
export interface Pipeline extends AsyncDisposable {
  /** Throws `DemoFailure` when the action does not end as expected. */
  run(call: StageCall): Promise<StepResult>;
}

export interface PipelineOptions {
  readonly job: JobOptions;
  readonly timeline: Timeline;
  /** Aborted when the demo is interrupted; the running action is cancelled then. */
  readonly signal: AbortSignal;
}

export async function startPipeline({ job: jobOptions, timeline, signal }: PipelineOptions): Promise<Pipeline> {
  const job = await startJob(jobOptions);
  return {
    async run(call) {
      signal.throwIfAborted();
      const result = await runCancellably(job, call, signal);
      signal.throwIfAborted();
      const text = `${call.action} ended with ${result.exitCode ?? result.signal}`;
      const succeeded = result.exitCode === 0;
      if (succeeded !== (call.expected === 'success')) {
        throw new DemoFailure(`${call.name}: ${text}, expected ${call.expected}.`, result.log.trimEnd().split('\n').slice(-40));
      }
      const outcome = succeeded ? call.describe(result.outputs) : `failed, as it should: ${call.describe(result.outputs)}`;
      timeline.step(succeeded ? 'good' : 'bad', call.name, { milliseconds: result.milliseconds, text: outcome });
      if (!succeeded) for (const line of keyLines(result)) timeline.detail(line);
      return result;
    },
    async [Symbol.asyncDispose]() {
      await job.runPosts();
      await job[Symbol.asyncDispose]();
    },
  };
}

async function runCancellably(job: Job, { action, inputs }: StageCall, signal: AbortSignal): Promise<StepResult> {
  let running: ChildProcess | undefined;
  const cancel = (): void => void running?.kill('SIGINT');
  signal.addEventListener('abort', cancel);
  try {
    return await job.run(action, { inputs, onStart: (child) => (running = child) });
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}

/** What failed and why: the lines of the error annotations, as they stand on the page of a run. */
function keyLines({ annotations }: StepResult): readonly string[] {
  return annotations
    .filter(({ level }) => level === 'error')
    .flatMap(({ message }) => message.split('\n'))
    .slice(0, 8);
}
