import { readFile } from 'node:fs/promises';
import type { LineCounter, Document } from 'yaml';
import type { ZodType, core } from 'zod';
import { GuardError, type Place } from '../errors/guard-error.ts';
import { nearest } from './kinds.ts';
import type { Problem, RawValue } from './parse.ts';
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

type Path = readonly PropertyKey[];

/** A YAML file and where everything in it stands. */
export interface Source {
  readonly document: Document;
  readonly lines: LineCounter;
  readonly shownAs: string;
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

/** Reads a YAML file with its positions. Throws `config/not-found` and `config/invalid`. */
export async function parseYaml({ file, shownAs }: Pick<ConfigRequest, 'file' | 'shownAs'>): Promise<Source> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new GuardError('config/not-found', `The configuration file ${shownAs} cannot be read.`, { cause: error });
  });
  const { LineCounter: Lines, parseDocument } = await import('yaml');
  const lines = new Lines();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const error = document.errors[0];
  if (error === undefined) return { document, lines, shownAs };
  const { line, col } = lines.linePos(error.pos[0]);
  const place = { file: shownAs, line, column: col };
  throw new GuardError('config/invalid', `${shownAs}:${line}:${col} is not valid YAML: ${error.message.split('\n')[0]}`, { place });
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
  for (const issue of parsed.error.issues) parts.problems.push(...problemsOf(source, request, { issue, names }));
  return undefined;
}

function problemsOf(source: Source, request: ConfigRequest, found: { issue: core.$ZodIssue; names: readonly string[] }): Problem[] {
  const { issue, names } = found;
  const path: Path = [request.section, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    const shape = request.settings === undefined ? [] : keysOf(request.settings);
    const candidates = issue.path.length === 0 ? [...names, ...shape] : [];
    return issue.keys.map((key) => unknownKey(source, [...path, key], candidates));
  }
  return [{ subject: path.slice(1).join('.') || request.section, message: issue.message, place: placeOf(source, path) }];
}

function keysOf(schema: ZodType): string[] {
  const shape = (schema as { shape?: unknown }).shape;
  return isRecord(shape) ? Object.keys(shape) : [];
}

export function unknownKey(source: Source, path: Path, candidates: readonly string[]): Problem {
  const key = String(path.at(-1));
  const near = nearest(key, candidates);
  return {
    subject: path.join('.'),
    message: `is not a known setting${near === undefined ? '' : ` (did you mean ${near}?)`}`,
    place: placeOf(source, path),
  };
}

/** Line and column of the deepest part of `path` that is in the file: the key where there is one. */
export function placeOf({ document, lines, shownAs }: Source, path: Path): Place {
  for (let length = path.length; length > 0; length -= 1) {
    const parent = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true);
    const key = path[length - 1];
    const items = (
      parent as { items?: readonly { key?: { value?: unknown; range?: readonly number[] }; range?: readonly number[] }[] } | undefined
    )?.items;
    const item = typeof key === 'number' ? items?.[key] : items?.find((pair) => pair.key?.value === key);
    const start = (item?.key?.range ?? item?.range)?.[0];
    if (start !== undefined) {
      const { line, col } = lines.linePos(start);
      return { file: shownAs, line, column: col };
    }
  }
  return { file: shownAs, line: 1, column: 1 };
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
