import type { Answer } from './request.ts';
import { jsonOf } from './expect.ts';
import { parseJsonPath, valueAt } from './json-path.ts';
import type { Capture } from './step.ts';

export interface Captured {
  readonly values: ReadonlyMap<string, unknown>;
  /** Names whose value is not in the answer: the step that should have captured them has failed, not a later one. */
  readonly missing: readonly string[];
}

/** Takes named values out of an answer. Pure. */
export function captureValues(captures: Readonly<Record<string, Capture>>, answer: Answer): Captured {
  const names = Object.entries(captures);
  const body = names.length === 0 ? undefined : jsonOf(answer.body);
  const values = new Map<string, unknown>();
  for (const [name, from] of names) {
    const value = typeof from === 'string' ? valueAt(body, parseJsonPath(from) ?? []) : answer.headers.get(from.header);
    if (value !== undefined && value !== null) values.set(name, value);
  }
  return { values, missing: names.map(([name]) => name).filter((name) => !values.has(name)) };
}
