import path from 'node:path';
import type { Place } from '../errors/guard-error.ts';
import type { Fault } from './worker/protocol.ts';

/** Place in the user's file, its path relative to the workspace, as annotations need it. */
export function placeOfFault({ file, line, column }: Pick<Fault, 'file' | 'line' | 'column'>, workspace: string): Place | undefined {
  if (file === undefined || file === '') return undefined;
  const relative = path.relative(workspace, file);
  const outside = relative.startsWith('..') || path.isAbsolute(relative);
  return { file: outside ? file : relative, ...(line === undefined ? {} : { line }), ...(column === undefined ? {} : { column }) };
}

/** ` line 4`, or nothing. */
export function lineText(place: Place | undefined): string {
  return place?.line === undefined ? '' : ` line ${place.line}`;
}
