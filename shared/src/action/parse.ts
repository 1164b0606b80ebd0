import type { Place } from '../errors/guard-error.ts';
import { nearest } from '../config/nearest.ts';
import type { Problem } from '../config/problem.ts';
import { InvalidValue } from './kinds.ts';
import { camelCase, type InputTable } from './spec.ts';

/** The text of an input and, when it came from the configuration file, its place there. */
export interface RawValue {
  readonly text: string;
  readonly place?: Place;
}

export interface Parsed {
  readonly values: Readonly<Record<string, unknown>>;
  readonly problems: readonly Problem[];
}

/**
 * Turns the texts of inputs into values: an input wins over the configuration file, the file over the default. Pure; every problem of
 * every input is returned, none is thrown.
 */
export function parse(table: InputTable, inputs: ReadonlyMap<string, string>, settings: ReadonlyMap<string, RawValue>): Parsed {
  const values: Record<string, unknown> = {};
  const problems: Problem[] = [...unknownInputs(table, inputs)];
  for (const [name, declared] of Object.entries(table)) {
    const given = inputs.get(name);
    const raw: RawValue | undefined = given !== undefined && given !== '' ? { text: given } : settings.get(name);
    const text = raw?.text ?? declared.default;
    if (text === undefined || text === '') {
      values[camelCase(name)] = undefined;
      if (declared.required) problems.push({ subject: name, message: 'is required' });
      continue;
    }
    try {
      values[camelCase(name)] = declared.kind.parse(text);
    } catch (error) {
      if (!(error instanceof InvalidValue)) throw error;
      problems.push({ subject: name, message: error.message, ...(raw?.place === undefined ? {} : { place: raw.place }) });
    }
  }
  return { values, problems };
}

function unknownInputs(table: InputTable, inputs: ReadonlyMap<string, string>): Problem[] {
  const names = Object.keys(table);
  return [...inputs.keys()]
    .filter((name) => !names.includes(name))
    .map((name) => {
      const near = nearest(name, names);
      return { subject: name, message: `is not an input of this action${near === undefined ? '' : ` (did you mean ${near}?)`}` };
    });
}
