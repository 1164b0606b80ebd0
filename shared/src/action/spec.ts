import type { ZodType } from 'zod';
import type { Input, PresentInput } from './inputs.ts';
import { path, secret, text } from './inputs.ts';
import type { Problem } from '../config/problem.ts';

export type InputTable = Readonly<Record<string, Input<unknown>>>;
/** Output name (kebab-case) to its description. */
export type OutputTable = Readonly<Record<string, string>>;

export type CamelCase<Text extends string> = Text extends `${infer Head}-${infer Tail}` ? `${Head}${Capitalize<CamelCase<Tail>>}` : Text;
type Values<Inputs extends InputTable> = {
  readonly [Name in keyof Inputs & string as CamelCase<Name>]: ValueOf<Inputs[Name]>;
};
type ValueOf<One> = One extends PresentInput<infer T> ? T : One extends Input<infer T> ? T | undefined : never;

/** Inputs that every action has. */
export const commonInputs = {
  config: path('Configuration file; optional when the inputs suffice.').or('.github/migration-guard.yml'),
  uri: secret('Connection string of the MongoDB server.'),
  database: text('Name of the database; default: the one named in the connection string.'),
  environment: text('Name of the environment (for example production), shown in reports and used by rules.'),
  'run-folder': path('Folder that the actions of one job share for run report, rollback point and plan; default: a folder in RUNNER_TEMP.'),
};

/** Outputs that every action has. */
export const commonOutputs = {
  result: 'passed, warned, failed or inconclusive',
  'run-report': 'Path of the run report, to which each action appends its stage',
} as const;

export interface ActionDefinition<Inputs extends InputTable, Outputs extends OutputTable, Settings> {
  /** Folder name without `action-`; also the name of its section in migration-guard.yml. */
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly inputs: Inputs;
  readonly outputs: Outputs;
  /** Permissions of the GITHUB_TOKEN that the job needs, with the reason. */
  readonly permissions: Readonly<Record<string, string>>;
  /** A step as a user would write it, YAML. */
  readonly example: string;
  /** Settings that are too structured for inputs: the rest of this action's section. Loaded only when there is a configuration file. */
  readonly settings?: () => Promise<ZodType<Settings>>;
  /** Problems between inputs, such as "exactly one of". */
  readonly check?: (inputs: Values<Inputs> & Values<typeof commonInputs>) => readonly Problem[];
  /** Whether a post step releases what this action may leave behind. */
  readonly post?: boolean;
}

export interface ActionSpec<
  Inputs extends InputTable = InputTable,
  Outputs extends OutputTable = OutputTable,
  Settings = unknown,
> extends ActionDefinition<Inputs & typeof commonInputs, Outputs & typeof commonOutputs, Settings> {}

export type AnySpec = Omit<ActionSpec, 'check'> & { readonly check?: unknown };

/** The contract of an action, from which inputs are parsed and action.yml, README tables and the JSON Schema are generated. */
export function defineAction<const Inputs extends InputTable, const Outputs extends OutputTable, Settings = unknown>(
  definition: ActionDefinition<Inputs, Outputs, Settings>,
): ActionSpec<Inputs, Outputs, Settings> {
  const { check, ...rest } = definition;
  return {
    ...rest,
    inputs: { ...definition.inputs, ...commonInputs },
    outputs: { ...definition.outputs, ...commonOutputs },
    ...(check === undefined ? {} : { check }),
  };
}

export type InputsOf<Spec> = Spec extends { readonly inputs: infer Inputs extends InputTable } ? Values<Inputs> : never;
export type OutputNamesOf<Spec> = Spec extends { readonly outputs: infer Outputs } ? keyof Outputs & string : never;
export type SettingsOf<Spec> = Spec extends { readonly settings?: () => Promise<ZodType<infer Settings>> } ? Settings : never;

export function camelCase(name: string): string {
  return name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}
