import { readFile } from 'node:fs/promises';
import type { Document, LineCounter } from 'yaml';
import type { core } from 'zod';
import { GuardError, type Place } from '../errors/guard-error.ts';
import { nearest } from './nearest.ts';
import type { Problem } from './problem.ts';

export type Path = readonly PropertyKey[];

/** A YAML file and where everything in it stands. */
export interface Source {
  readonly document: Document;
  readonly lines: LineCounter;
  readonly shownAs: string;
}

/** Reads a YAML file with its positions. Throws `config/not-found` and `config/invalid`. */
export async function parseYaml({ file, shownAs }: { readonly file: string; readonly shownAs: string }): Promise<Source> {
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

/** The problems behind an issue of a schema that was applied to the part of the file at `root`. `names` are suggested for unknown keys there. */
export function problemsOf(
  source: Source,
  issue: core.$ZodIssue,
  { root, names }: { readonly root: Path; readonly names: readonly string[] },
): Problem[] {
  const path: Path = [...root, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => unknownKey(source, [...path, key], issue.path.length === 0 ? names : []));
  }
  return [{ subject: issue.path.join('.') || String(root.at(-1) ?? 'the file'), message: issue.message, place: placeOf(source, path) }];
}

/** The problem of a key that no schema knows, with the nearest of `candidates` as a suggestion. */
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
