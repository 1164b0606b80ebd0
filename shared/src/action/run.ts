import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { GuardError, toError } from '../errors/guard-error.ts';
import { fromMongoError } from '../errors/mongo-errors.ts';
import type { RunInfo, Stage } from '../report/run-report.ts';
import { listenForCancel } from './cancel.ts';
import type { Context, Outcome, Story } from './context.ts';
import { maskSecrets, prepare, runFolderOf, type Prepared } from './prepare.ts';
import { runInfo, workspaceFolder } from './run-info.ts';
import { githubRuntime, type Runtime } from './runtime.ts';
import type { AnySpec, InputsOf, OutputNamesOf, SettingsOf } from './spec.ts';
import { recordStage, type Ending, type StageRecorder } from './stage-recorder.ts';

export type StoryOf<Spec> = Story<InputsOf<Spec>, OutputNamesOf<Spec>, SettingsOf<Spec>>;

/** What a post step gets: the inputs, and what the main step saved. It cleans up; it reports nothing. */
export type PostStory<Spec> = (
  inputs: InputsOf<Spec>,
  context: Pick<Context, 'log' | 'signal' | 'now' | 'run' | 'env'> & { readonly state: (name: string) => string },
) => Promise<void>;

interface Loaders<Spec> {
  readonly story: () => Promise<StoryOf<Spec>>;
  readonly post?: () => Promise<PostStory<Spec>>;
}

const startedState = 'migration-guard-started';

/**
 * The one boundary of an action: inputs, masks, story, outputs, run report, summary and exit code, on success, failure and cancel alike.
 * The story is loaded only when the inputs are right, so that the first line of the log does not wait for drivers. Never returns.
 */
export async function runAction<const Spec extends AnySpec>(spec: Spec, loaders: Loaders<Spec>): Promise<never> {
  const runtime = githubRuntime();
  const code = runtime.state(startedState) === '' ? await main(spec, loaders.story, runtime) : await post(spec, loaders.post, runtime);
  process.exit(code);
}

async function main<Spec extends AnySpec>(spec: Spec, load: Loaders<Spec>['story'], runtime: Runtime): Promise<number> {
  const startedAt = new Date();
  maskSecrets(spec, runtime);
  const mode = runtime.inputs.get('mode') || spec.inputs['mode']?.default;
  runtime.log.info(`${spec.title}${mode === undefined ? '' : `: ${mode}`}`);
  if (spec.post === true) runtime.saveState(startedState, 'true');
  const recorder = recordStage({ action: spec.name, title: spec.title, mode }, startedAt);
  const runFolder = runFolderOf(runtime);
  const setOutput = (name: string, value: string): void => {
    recorder.output(name, value);
    runtime.setOutput(name, value);
  };
  setOutput('run-report', path.join(runFolder, 'run-report.json'));
  const info: { run: RunInfo } = { run: runInfo(runtime.env) };
  const ending = await endingOf(async (signal) => {
    const prepared = await prepare(spec, runtime);
    info.run = { ...info.run, ...named(prepared) };
    await makeRunFolder(runFolder);
    const context = { ...contextOf(runtime, { signal, runFolder, recorder, setOutput }), run: info.run, settings: prepared.settings };
    const story = await load();
    return story(prepared.values as InputsOf<Spec>, context as Context<OutputNamesOf<Spec>, SettingsOf<Spec>>);
  }, runtime);
  return conclude(runtime.redact(recorder.finish(ending, new Date())), { ending, runtime, info: info.run, setOutput, runFolder });
}

/** Runs the story to its outcome or its error; cancel and crashes outside of its promise end it too. */
async function endingOf(story: (signal: AbortSignal) => Promise<Outcome>, runtime: Runtime): Promise<Ending> {
  const { signal, overdue } = listenForCancel(runtime.log);
  const crash = new Promise<never>((_resolve, reject) => {
    process.on('uncaughtException', reject);
    process.on('unhandledRejection', reject);
  });
  try {
    return { kind: 'outcome', outcome: await Promise.race([story(signal), overdue, crash]) };
  } catch (thrown) {
    return { kind: 'error', error: boundaryError(thrown, signal, runtime) };
  }
}

function boundaryError(thrown: unknown, signal: AbortSignal, runtime: Runtime): GuardError {
  if (thrown instanceof GuardError) return thrown;
  if (signal.aborted) return signal.reason as GuardError;
  const error = toError(thrown);
  if (error.name.startsWith('Mongo')) return fromMongoError(error, 'The step');
  runtime.log.info(error.stack ?? error.message);
  return new GuardError('internal/bug', `Unexpected ${error.name}: ${error.message.split('\n')[0]}`, { cause: error });
}

interface Conclusion {
  readonly ending: Ending;
  readonly runtime: Runtime;
  readonly info: RunInfo;
  readonly runFolder: string;
  readonly setOutput: (name: string, value: string) => void;
}

/** Writes outputs, run report and summary. Their own failure is a warning: it must not hide how the story ended. */
async function conclude(stage: Stage, { ending, runtime, info, runFolder, setOutput }: Conclusion): Promise<number> {
  setOutput('result', stage.result);
  try {
    const { appendStage } = await import('../report/run-report.ts');
    const { renderStage, truncate } = await import('../report/markdown.ts');
    await appendStage(path.join(runFolder, 'run-report.json'), info, stage);
    runtime.appendSummary(truncate(`${summaryOf(ending)}${renderStage(stage)}`));
  } catch (error) {
    runtime.log.warning(`The run report could not be written: ${toError(error).message}`);
  }
  announce(stage, ending, runtime);
  return stage.result === 'passed' || stage.result === 'warned' ? 0 : 1;
}

function summaryOf(ending: Ending): string {
  return ending.kind === 'outcome' && ending.outcome.summary !== undefined ? `${ending.outcome.summary}\n` : '';
}

function announce(stage: Stage, ending: Ending, { log }: Runtime): void {
  const after = [stage.dataState, stage.nextStep].filter((sentence) => sentence !== undefined);
  if (ending.kind === 'error') {
    const { code, message, remedy, place } = ending.error;
    log.error([`${code}: ${message}`, remedy, ...after].join('\n'), place);
    return;
  }
  const line = `${stage.title}: ${stage.result}${stage.reason === undefined ? '' : `. ${stage.reason}`}`;
  const message = [line, ...after].join('\n');
  if (stage.result === 'passed') log.info(message);
  else if (stage.result === 'warned') log.warning(message);
  else log.error(`${stage.action}/${stage.result}: ${message}`);
}

async function post<Spec extends AnySpec>(spec: Spec, load: Loaders<Spec>['post'], runtime: Runtime): Promise<number> {
  maskSecrets(spec, runtime);
  if (load === undefined) return 0;
  try {
    const prepared = await prepare(spec, runtime);
    const { signal } = listenForCancel(runtime.log);
    const story = await load();
    const run = { ...runInfo(runtime.env), ...named(prepared) };
    await story(prepared.values as InputsOf<Spec>, {
      log: runtime.log,
      signal,
      now: () => new Date(),
      run,
      env: runtime.env,
      state: (name) => runtime.state(name),
    });
  } catch (error) {
    runtime.log.warning(`Cleaning up after ${spec.title}: ${toError(error).message}`);
  }
  return 0;
}

interface ContextParts {
  readonly signal: AbortSignal;
  readonly runFolder: string;
  readonly recorder: StageRecorder;
  readonly setOutput: (name: string, value: string) => void;
}

function contextOf(runtime: Runtime, { signal, runFolder, recorder, setOutput }: ContextParts): Omit<Context, 'run' | 'settings'> {
  return {
    log: runtime.log,
    signal,
    now: () => new Date(),
    runFolder,
    workspace: workspaceFolder(runtime.env),
    env: runtime.env,
    idToken: (audience) => runtime.idToken(audience),
    stage: recorder,
    setOutput: (name, value) => setOutput(name, typeof value === 'object' ? JSON.stringify(value) : String(value)),
    saveState: (name, value) => runtime.saveState(name, value),
  };
}

function named({ values }: Prepared): Pick<RunInfo, 'environment' | 'database'> {
  const { environment, database } = values;
  return {
    ...(typeof environment === 'string' ? { environment } : {}),
    ...(typeof database === 'string' ? { database } : {}),
  };
}

async function makeRunFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true }).catch((error: unknown) => {
    throw new GuardError('input/invalid', `run-folder ${folder} cannot be made.`, { cause: error });
  });
}
