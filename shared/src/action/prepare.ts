import { stat } from 'node:fs/promises';
import path from 'node:path';
import { invalid, type Problem } from '../config/problem.ts';
import { defaultConfigFile, readConfigFile, type ConfigFile } from './config-file.ts';
import { parse } from './parse.ts';
import { defaultRunFolder, workspaceFolder } from './run-info.ts';
import type { Runtime } from './runtime.ts';
import { camelCase, type AnySpec } from './spec.ts';

/** Everything that is known before the story starts. */
export interface Prepared {
  readonly values: Readonly<Record<string, unknown>>;
  readonly settings: unknown;
}

/** Secrets that the tools of AWS take from the environment. */
const secretVariables = ['AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'] as const;
const credentialsInUri = /:\/\/[^/\s]*@/;

/** Masks every secret input and every URI with credentials, in inputs with a wrong name too. Must come before anything is logged. */
export function maskSecrets(spec: AnySpec, runtime: Runtime): void {
  for (const [name, text] of runtime.inputs) {
    if (text !== '' && (spec.inputs[name]?.kind.name === 'secret' || credentialsInUri.test(text))) runtime.mask(text);
  }
  for (const name of secretVariables) {
    const text = runtime.env[name] ?? '';
    if (text !== '') runtime.mask(text);
  }
}

/**
 * Reads configuration file and inputs of an action. Throws one `input/invalid` or `config/invalid` that lists every problem of both,
 * or `config/not-found`.
 */
export async function prepare(spec: AnySpec, runtime: Runtime): Promise<Prepared> {
  const workspace = workspaceFolder(runtime.env);
  const file = await readConfig(spec, runtime, workspace);
  const parsed = parse(spec.inputs, runtime.inputs, file.raw);
  const values = absolutePaths(spec, parsed.values, workspace);
  const problems = [...file.problems, ...parsed.problems];
  if (problems.length === 0) problems.push(...crossChecks(spec, values));
  if (problems.length > 0) throw invalid(problems);
  return { values, settings: file.settings };
}

/** The run folder: asked for before the inputs are known to be right, so that a wrong input is reported there too. */
export function runFolderOf(runtime: Runtime): string {
  const given = runtime.inputs.get('run-folder');
  return given === undefined || given === '' ? defaultRunFolder(runtime.env) : path.resolve(workspaceFolder(runtime.env), given);
}

async function readConfig(spec: AnySpec, runtime: Runtime, workspace: string): Promise<ConfigFile> {
  const given = runtime.inputs.get('config') ?? '';
  const shownAs = given === '' ? defaultConfigFile : given;
  const file = path.resolve(workspace, shownAs);
  const settings = await spec.settings?.();
  if (shownAs === defaultConfigFile && !(await exists(file))) {
    return { raw: new Map(), settings: settings === undefined ? {} : settings.parse({}), problems: [] };
  }
  return readConfigFile({ file, shownAs, section: spec.name, inputs: spec.inputs, settings });
}

function absolutePaths(spec: AnySpec, values: Readonly<Record<string, unknown>>, workspace: string): Record<string, unknown> {
  const pathNames = new Set(Object.entries(spec.inputs).flatMap(([name, input]) => (input.kind.name === 'path' ? [camelCase(name)] : [])));
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      pathNames.has(name) && typeof value === 'string' ? path.resolve(workspace, value) : value,
    ]),
  );
}

function crossChecks(spec: AnySpec, values: Readonly<Record<string, unknown>>): readonly Problem[] {
  const check = spec.check as ((inputs: unknown) => readonly Problem[]) | undefined;
  return check?.(values) ?? [];
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}
