import { EOL } from 'node:os';
import type { Place } from '../errors/guard-error.ts';

// What @actions/core writes, without what it loads: an HTTP client, which takes longer than the rest of the shell. Source: actions/toolkit,
// packages/core/src/command.ts, file-command.ts and utils.ts.

/** A line that the runner takes for a command, for example `::warning file=a.yml,line=3::Too long`. Properties without a value are left out. */
export function workflowCommand(
  name: string,
  message: string,
  properties: Readonly<Record<string, string | number | undefined>> = {},
): string {
  const all = Object.entries(properties);
  const given = all.flatMap(([key, value]) => (value === undefined || value === '' ? [] : `${key}=${escapeProperty(String(value))}`));
  return `::${name}${all.length === 0 ? '' : ` ${given.join(',')}`}::${escapeData(message)}${EOL}`;
}

/** Where an annotation belongs, as properties of its command. */
export function annotationOf(place: Place | undefined): Readonly<Record<string, string | number | undefined>> {
  return place === undefined ? {} : { file: place.file, line: place.line, col: place.column };
}

/** An entry of a runner file. `delimiter` must be in neither: a random one. */
export function fileEntry(name: string, value: string, delimiter: string): string {
  return `${name}<<${delimiter}${EOL}${value}${EOL}${delimiter}${EOL}`;
}

function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
