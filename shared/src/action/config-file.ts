import type { ZodType } from 'zod';
import type { Problem } from '../config/problem.ts';
import { parseYaml, placeOf, problemsOf, unknownKey, type Source } from '../config/yaml-source.ts';
import { GuardError } from '../errors/guard-error.ts';
import type { RawValue } from './parse.ts';
import { commonInputs, type InputTable } from './spec.ts';

/** Sections of migration-guard.yml; each action reads its own. */
export const sectionNames = ['backup', 'migrate', 'verify', 'rollback', 'loadtest', 'report'] as const;
/** Inputs of every action that may stand at the top of the file. */
export const topLevelInputs = ['database', 'environment'] as const;
/** Inputs that are never read from the file. */
export const inputsOnly: readonly string[] = ['config', 'run-folder'];

export interface ConfigFile {
  /** Plain inputs found in the file, as the text a user would have typed. */
  readonly raw: ReadonlyMap<string, RawValue>;
  /** The structured rest of the section, parsed. */
  readonly settings: unknown;
  readonly problems: readonly Problem[];
}

export interface ConfigRequest {
  readonly file: string;
  /** How the user wrote the path: shown in messages. */
  readonly shownAs: string;
  readonly section: string;
  readonly inputs: InputTable;
  readonly settings: ZodType | undefined;
}

/** Reads migration-guard.yml for one action. Throws `config/not-found`, and `config/invalid` where it is not YAML; the rest are problems. */
export async function readConfigFile(request: ConfigRequest): Promise<ConfigFile> {
  const source = await parseYaml(request);
  const value: unknown = source.document.toJS() ?? {};
  if (!isRecord(value))
    throw new GuardError('config/invalid', `${request.shownAs} must hold settings by name.`, { place: { file: request.shownAs, line: 1 } });
  const problems: Problem[] = [];
  const raw = new Map<string, RawValue>();
  for (const key of Object.keys(value)) {
    if (includes(topLevelInputs, key)) raw.set(key, { text: asText(value[key]), place: placeOf(source, [key]) });
    else if (!includes(sectionNames, key)) problems.push(unknownKey(source, [key], [...sectionNames, ...topLevelInputs]));
  }
  const section = value[request.section] ?? {};
  if (!isRecord(section)) {
    problems.push({ subject: request.section, message: 'expected settings by name', place: placeOf(source, [request.section]) });
    return { raw, settings: undefined, problems };
  }
  const structured = splitSection(source, request, { section, raw, problems });
  return { raw, settings: checkSettings(source, request, { structured, problems }), problems };
}

interface SectionParts {
  readonly section: Readonly<Record<string, unknown>>;
  readonly raw: Map<string, RawValue>;
  readonly problems: Problem[];
}

/** Moves plain inputs of the section into `raw` and returns what is left for the settings schema. */
function splitSection(source: Source, request: ConfigRequest, { section, raw, problems }: SectionParts): Record<string, unknown> {
  const structured: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(section)) {
    const input = request.inputs[key];
    const place = placeOf(source, [request.section, key]);
    if (input === undefined) structured[key] = value;
    else if (input.kind.name === 'secret')
      problems.push({ subject: key, message: 'is a secret: give it as an input, never in a file', place });
    else if (inputsOnly.includes(key)) problems.push({ subject: key, message: 'can only be given as an input', place });
    else if (isRecord(value)) problems.push({ subject: key, message: `expected ${input.kind.name}`, place });
    else raw.set(key, { text: asText(value), place });
  }
  return structured;
}

function checkSettings(
  source: Source,
  request: ConfigRequest,
  parts: { structured: Record<string, unknown>; problems: Problem[] },
): unknown {
  const names = Object.keys(request.inputs).filter((name) => !inputsOnly.includes(name) && request.inputs[name]?.kind.name !== 'secret');
  if (request.settings === undefined) {
    for (const key of Object.keys(parts.structured)) parts.problems.push(unknownKey(source, [request.section, key], names));
    return {};
  }
  const parsed = request.settings.safeParse(parts.structured);
  if (parsed.success) return parsed.data;
  const known = [...names, ...keysOf(request.settings)];
  for (const issue of parsed.error.issues) parts.problems.push(...problemsOf(source, issue, { root: [request.section], names: known }));
  return undefined;
}

function keysOf(schema: ZodType): string[] {
  const shape = (schema as { shape?: unknown }).shape;
  return isRecord(shape) ? Object.keys(shape) : [];
}

function asText(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function includes(names: readonly string[], name: string): boolean {
  return names.includes(name);
}

/** The path of the configuration file that is tried when none is given; its absence is no problem. */
export const defaultConfigFile: string = commonInputs.config.default ?? '';
