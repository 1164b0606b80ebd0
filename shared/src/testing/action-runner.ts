import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse } from 'yaml';
import { interpretCommands, type CommandResult } from './workflow-commands.ts';

/** How a step ended, as later steps and a person on GitHub see it. */
export interface StepResult extends CommandResult {
  readonly exitCode: number | undefined;
  /** The signal that ended the process, if one did. */
  readonly signal: NodeJS.Signals | undefined;
  readonly outputs: Readonly<Record<string, string>>;
  readonly state: Readonly<Record<string, string>>;
  readonly summary: string;
  /** Standard output and standard error as the process wrote them. */
  readonly rawLog: string;
  readonly milliseconds: number;
}

export interface StepOptions {
  readonly inputs: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Called with the running process, for tests that cancel or kill it. */
  readonly onStart?: (child: ChildProcess) => void;
  /** Called with each piece of output. */
  readonly onOutput?: (text: string) => void;
  /** Default ten minutes. */
  readonly timeoutMilliseconds?: number;
}

export interface JobOptions {
  /** The checkout; default an empty folder. */
  readonly workspace?: string;
  /** Where the folders `action-<name>` are; default this repository. */
  readonly actions?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly eventName?: string;
  readonly event?: unknown;
}

/** A job: steps share its workspace and RUNNER_TEMP, and posts run in reverse order at its end. */
export interface Job extends AsyncDisposable {
  readonly workspace: string;
  readonly temp: string;
  /** Starts `action-<name>` as GitHub's runner does. */
  run(name: string, options: StepOptions): Promise<StepResult>;
  /** Runs the post steps of all actions that have one, last first. */
  runPosts(): Promise<readonly StepResult[]>;
}

interface ActionYml {
  readonly inputs?: Readonly<Record<string, { readonly default?: unknown } | null>>;
  readonly runs: { readonly main: string; readonly post?: string };
}

interface Step {
  readonly folder: string;
  readonly entry: string;
  readonly options: StepOptions;
  readonly state: Readonly<Record<string, string>>;
}

const repository = path.resolve(import.meta.dirname, '../../..');

/** Makes the folders of a job. Dispose of it at the end: everything in it is removed. */
export async function startJob(options: JobOptions = {}): Promise<Job> {
  const folder = await mkdtemp(path.join(tmpdir(), 'migration-guard-job-'));
  const temp = path.join(folder, 'temp');
  const workspace = options.workspace ?? path.join(folder, 'workspace');
  const eventFile = path.join(folder, 'event.json');
  await Promise.all([mkdir(temp), mkdir(path.join(folder, 'tools')), mkdir(workspace, { recursive: true })]);
  await writeFile(eventFile, JSON.stringify(options.event ?? {}));
  const env = jobEnvironment(options, { workspace, temp, tools: path.join(folder, 'tools'), eventFile });
  const posts: Step[] = [];
  return {
    workspace,
    temp,
    async run(name, stepOptions) {
      const actionFolder = path.join(options.actions ?? repository, `action-${name}`);
      const definition = parse(await readFile(path.join(actionFolder, 'action.yml'), 'utf8')) as ActionYml;
      const inputs = { ...defaultInputs(definition), ...stepOptions.inputs };
      const step = { folder: actionFolder, entry: definition.runs.main, options: { ...stepOptions, inputs }, state: {} };
      const result = await runStep(step, { env, workspace, folder });
      if (definition.runs.post !== undefined) posts.push({ ...step, entry: definition.runs.post, state: result.state });
      return result;
    },
    async runPosts() {
      const results: StepResult[] = [];
      for (const step of posts.splice(0).reverse()) results.push(await runStep(step, { env, workspace, folder }));
      return results;
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** One step in a job of its own. */
export async function runAction(name: string, options: StepOptions & { readonly job?: JobOptions }): Promise<StepResult> {
  await using job = await startJob(options.job);
  return await job.run(name, options);
}

function jobEnvironment(
  options: JobOptions,
  folders: { workspace: string; temp: string; tools: string; eventFile: string },
): Record<string, string> {
  const inherited = ['PATH', 'HOME', 'USERPROFILE', 'SystemRoot', 'MONGOD_BINARY'].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    ...Object.fromEntries(inherited),
    CI: 'true',
    GITHUB_ACTIONS: 'true',
    GITHUB_WORKSPACE: folders.workspace,
    RUNNER_TEMP: folders.temp,
    RUNNER_TOOL_CACHE: folders.tools,
    RUNNER_OS: 'Linux',
    GITHUB_REPOSITORY: 'octo/shop',
    GITHUB_RUN_ID: '4711',
    GITHUB_RUN_ATTEMPT: '1',
    GITHUB_JOB: 'deploy',
    GITHUB_WORKFLOW: 'Deploy',
    GITHUB_SHA: '0123456789abcdef0123456789abcdef01234567',
    GITHUB_REF: 'refs/heads/main',
    GITHUB_ACTOR: 'octocat',
    GITHUB_SERVER_URL: 'https://github.com',
    GITHUB_API_URL: 'https://api.github.com',
    GITHUB_EVENT_NAME: options.eventName ?? 'push',
    GITHUB_EVENT_PATH: folders.eventFile,
    ...options.env,
  };
}

function defaultInputs(definition: ActionYml): Record<string, string> {
  const entries = Object.entries(definition.inputs ?? {}).map(([name, input]) => {
    const value = input?.default ?? '';
    return [name, typeof value === 'string' ? value : JSON.stringify(value)] as const;
  });
  return Object.fromEntries(entries.filter(([, value]) => !value.startsWith('${{')));
}

interface Surroundings {
  readonly env: Readonly<Record<string, string>>;
  readonly workspace: string;
  readonly folder: string;
}

const runnerFiles = ['OUTPUT', 'STATE', 'STEP_SUMMARY', 'ENV', 'PATH'] as const;

async function runStep(step: Step, { env, workspace, folder }: Surroundings): Promise<StepResult> {
  const stepFolder = await mkdtemp(path.join(folder, 'step-'));
  const files = Object.fromEntries(runnerFiles.map((name) => [`GITHUB_${name}`, path.join(stepFolder, name)]));
  await Promise.all(Object.values(files).map((file) => writeFile(file, '')));
  const prefixed = (prefix: string, values: Readonly<Record<string, string>>): Record<string, string> =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}${name}`, value]));
  const inputs = Object.fromEntries(
    Object.entries(step.options.inputs).map(([name, value]) => [`INPUT_${name.replaceAll(' ', '_').toUpperCase()}`, value]),
  );
  const started = performance.now();
  const child = spawn(process.execPath, [path.join(step.folder, step.entry)], {
    cwd: workspace,
    env: { ...env, ...step.options.env, ...prefixed('STATE_', step.state), ...files, ...inputs },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = await waitFor(child, step.options);
  const read = (name: (typeof runnerFiles)[number]): Promise<string> => readFile(path.join(stepFolder, name), 'utf8');
  return {
    ...ended,
    ...interpretCommands(ended.rawLog),
    outputs: readAssignments(await read('OUTPUT')),
    state: readAssignments(await read('STATE')),
    summary: await read('STEP_SUMMARY'),
    milliseconds: Math.round(performance.now() - started),
  };
}

async function waitFor(child: ChildProcess, options: StepOptions): Promise<Pick<StepResult, 'exitCode' | 'signal' | 'rawLog'>> {
  let rawLog = '';
  const collect = (data: Buffer): void => {
    rawLog += data.toString();
    options.onOutput?.(data.toString());
  };
  child.stdout?.on('data', collect);
  child.stderr?.on('data', collect);
  const deadline = setTimeout(() => child.kill('SIGKILL'), options.timeoutMilliseconds ?? 600_000);
  options.onStart?.(child);
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (...end) => resolve(end));
  });
  clearTimeout(deadline);
  return { exitCode: code ?? undefined, signal: signal ?? undefined, rawLog };
}

/** Reads `name=value` lines and `name<<delimiter` blocks of a runner file. */
function readAssignments(text: string): Record<string, string> {
  const values: Record<string, string> = {};
  for (const match of text.matchAll(/^([^=\n]+?)<<(\S+)\r?\n([\s\S]*?)\r?\n?^\2$|^([^=\n]+)=(.*)$/gm)) {
    const [, blockName, , block, name, value] = match;
    if (blockName !== undefined) values[blockName] = block ?? '';
    else if (name !== undefined) values[name] = value ?? '';
  }
  return values;
}
