import { execFileSync, spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { findAct } from '../../scripts/act.ts';
import { actionFolders, repository } from '../../scripts/actions.ts';

/** How a workflow run ended, as its page on GitHub would show it. */
export interface WorkflowResult {
  readonly exitCode: number;
  /** Job name to result. */
  readonly jobs: Readonly<Record<string, string>>;
  /** Id of a step, or its name, to result; a step that was not reached is absent. */
  readonly steps: Readonly<Record<string, string>>;
  /** Id of a step to the outputs that it set. */
  readonly outputs: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** All job summaries, in order. */
  readonly summary: string;
  readonly log: string;
}

export interface WorkflowRun {
  /** The repository of the run: files by path. */
  readonly files: Readonly<Record<string, string>>;
  /** A folder whose files come first, for example this repository's own. */
  readonly checkout?: string;
  /** Path of the workflow in `files`. */
  readonly workflow: string;
  readonly event?: string;
  readonly secrets?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
}

/** How workflows in tests name this repository: `migration-guard/migration-guard/action-backup@local`. */
export const ownName = 'migration-guard/migration-guard';

/** Runs a workflow of a user's repository with act on this machine, the built actions in the place of released ones. */
export async function runWorkflow(run: WorkflowRun): Promise<WorkflowResult> {
  const folder = await mkdtemp(path.join(tmpdir(), 'migration-guard-act-'));
  try {
    const [user, own, standIn] = ['user', 'own', 'stand-in'].map((name) => path.join(folder, name)) as [string, string, string];
    if (run.checkout !== undefined) await cp(run.checkout, user, { recursive: true });
    await writeFiles(user, Object.fromEntries(Object.entries(run.files).map(([file, text]) => [file, forAct(file, text)])));
    commitAll(user);
    await copyActions(own);
    await writeFiles(standIn, doNothingAction);
    const options = [
      ['--workflows', path.join(user, run.workflow)],
      ['--platform', 'ubuntu-latest=-self-hosted'],
      ['--local-repository', `${ownName}@local=${own}`],
      ...(await actionsOfOthers()).map((name) => ['--local-repository', `${name}=${standIn}`]),
      ...Object.entries(run.secrets ?? {}).map(([name, value]) => ['--secret', `${name}=${value}`]),
      ...Object.entries(run.env ?? {}).map(([name, value]) => ['--env', `${name}=${value}`]),
    ];
    const args = [run.event ?? 'push', '--json', ...options.flat()];
    return await act(args, { folder: user, home: path.join(folder, 'home') });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** act asks git for ref and commit. */
function commitAll(folder: string): void {
  const git = (...args: string[]): Buffer => execFileSync('git', args, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
  git('init', '--quiet', '--initial-branch=main');
  git('add', '--all');
  git('-c', 'user.name=test', '-c', 'user.email=test@example.org', 'commit', '--quiet', '--message=test');
}

/**
 * A workflow as act can read it: `$/x` by our name, and without what act does not know (a queue of runs, an environment without a
 * deployment). Everything else stays as users get it.
 */
export function forAct(file: string, text: string): string {
  if (!/\.github\/workflows\/.*\.ya?ml$/.test(file)) return text;
  const workflow = parse(text.replaceAll(/uses: \$\/(\S+)/g, `uses: ${ownName}/$1@local`)) as Workflow;
  delete workflow.concurrency?.queue;
  for (const job of Object.values(workflow.jobs)) if (typeof job.environment === 'object') delete job.environment.deployment;
  return stringify(workflow);
}

interface Workflow {
  readonly concurrency?: { queue?: string };
  readonly jobs: Readonly<Record<string, { readonly environment?: string | { deployment?: boolean } }>>;
}

/** `actions/…@sha` in our workflows. act does checkouts by itself; the others cannot be fetched in a test and do nothing. */
async function actionsOfOthers(): Promise<readonly string[]> {
  const folder = path.join(repository, '.github', 'workflows');
  const texts = await Promise.all((await readdir(folder)).map((name) => readFile(path.join(folder, name), 'utf8')));
  return [...new Set(texts.flatMap((text) => [...text.matchAll(/uses: (actions\/(?!checkout)\S+)/g)].flatMap(([, name]) => name ?? [])))];
}

const doNothingAction = {
  'action.yml': stringify({ name: 'Stand-in', runs: { using: 'node24', main: 'index.js' } }),
  'index.js': '',
};

async function copyActions(to: string): Promise<void> {
  for (const { folder } of await actionFolders(path.join('dist', 'index.js'))) {
    const copy = path.join(to, path.basename(folder));
    await cp(path.join(folder, 'action.yml'), path.join(copy, 'action.yml'));
    await cp(path.join(folder, 'dist'), path.join(copy, 'dist'), { recursive: true });
  }
  const workflows = path.join('.github', 'workflows');
  for (const name of await readdir(path.join(repository, workflows))) {
    const text = await readFile(path.join(repository, workflows, name), 'utf8');
    await writeFiles(to, { [path.join(workflows, name)]: forAct(`.github/workflows/${name}`, text) });
  }
}

async function writeFiles(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), content);
  }
}

async function act(args: readonly string[], { folder, home }: { folder: string; home: string }): Promise<WorkflowResult> {
  const binary = findAct();
  if (binary === undefined) throw new Error('act was not found: start these tests with npm run test:workflows.');
  const child = spawn(binary, args, {
    cwd: folder,
    env: {
      PATH: `${path.dirname(process.execPath)}${path.delimiter}${process.env['PATH']}`,
      HOME: home,
      XDG_CACHE_HOME: path.join(home, 'cache'),
      XDG_CONFIG_HOME: path.join(home, 'config'),
      MONGOD_BINARY: process.env['MONGOD_BINARY'],
      ...npmSettings(),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  child.stdout.on('data', (data: Buffer) => (text += data.toString()));
  child.stderr.on('data', (data: Buffer) => (text += data.toString()));
  const exitCode = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? -1));
  });
  return { exitCode, ...readLines(text) };
}

/** Where npm finds packages on this machine; npm gives them to scripts. What is in its cache is not asked for again. */
function npmSettings(): Record<string, string | undefined> {
  const given = Object.entries(process.env).filter(([name]) => /^npm_config_/i.test(name));
  return { ...Object.fromEntries(given), npm_config_prefer_offline: 'true' };
}

interface Line {
  readonly msg?: string;
  readonly job?: string;
  readonly jobResult?: string;
  readonly step?: string;
  readonly stepID?: readonly string[];
  readonly stepResult?: string;
  readonly stage?: string;
  readonly command?: string;
  readonly name?: string;
  readonly arg?: string;
  readonly content?: string;
}

function readLines(text: string): Omit<WorkflowResult, 'exitCode'> {
  const jobs: Record<string, string> = {};
  const steps: Record<string, string> = {};
  const outputs: Record<string, Record<string, string>> = {};
  const summaries: string[] = [];
  const log: string[] = [];
  for (const line of text.split('\n')) {
    const entry = parseLine(line);
    if (entry.msg !== undefined) log.push(entry.msg.trimEnd());
    if (entry.jobResult !== undefined) jobs[entry.job?.split('/').at(-1) ?? ''] = entry.jobResult;
    const id = entry.stepID?.at(-1) ?? '';
    if (entry.stepResult !== undefined && entry.stage !== 'Post') {
      steps[id] = entry.stepResult;
      if (entry.step !== undefined) steps[entry.step.replace(/^Main /, '')] = entry.stepResult;
    }
    if (entry.command === 'set-output' && entry.name !== undefined) (outputs[id] ??= {})[entry.name] = entry.arg ?? '';
    if (entry.command === 'summary') summaries.push(entry.content ?? '');
  }
  return { jobs, steps, outputs, summary: summaries.join('\n'), log: log.join('\n') };
}

function parseLine(line: string): Line {
  try {
    return JSON.parse(line) as Line;
  } catch {
    return { msg: line };
  }
}
