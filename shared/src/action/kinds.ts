import path from 'node:path';
import { nearest } from '../config/nearest.ts';
import { Secret } from '../redaction/secret.ts';

/** The JSON Schema of a setting, for the published schema of migration-guard.yml. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** One way in which the text of an input becomes a value. `parse` throws `InvalidValue`. */
export interface Kind<T> {
  readonly name: string;
  readonly parse: (text: string) => T;
  readonly schema: JsonSchema;
}

/** Says what was expected instead of a value; it never repeats the value. */
export class InvalidValue extends Error {}

export const textKind: Kind<string> = { name: 'text', parse: (text) => text, schema: { type: 'string' } };

export const secretKind: Kind<Secret> = { name: 'secret', parse: (text) => new Secret(text), schema: { not: {} } };

export const booleanKind: Kind<boolean> = {
  name: 'boolean',
  schema: { type: 'boolean' },
  parse(text) {
    if (/^(true|false)$/i.test(text)) return text.toLowerCase() === 'true';
    throw new InvalidValue('expected true or false');
  },
};

export function integerKind(range: { readonly min?: number; readonly max?: number }): Kind<number> {
  const { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = range;
  return {
    name: 'integer',
    schema: { type: 'integer', minimum: min, maximum: max },
    parse(text) {
      const value = Number(text);
      if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
      throw new InvalidValue(`expected a whole number from ${min} to ${max}`);
    },
  };
}

const milliseconds = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Text such as `90s`, `30m`, `1h30m`; the value is milliseconds. */
export const durationKind: Kind<number> = {
  name: 'duration',
  schema: { type: 'string', pattern: String.raw`^(\d+(\.\d+)?(ms|s|m|h|d))+$` },
  parse(text) {
    if (!/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(text)) throw new InvalidValue('expected a duration such as 90s, 30m or 1h30m');
    const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)];
    return Math.round(parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * milliseconds[unit as keyof typeof milliseconds], 0));
  },
};

const byteUnits = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 } as const;

/** Text such as `500MB` or `4GiB`; the value is bytes. */
export const bytesKind: Kind<number> = {
  name: 'bytes',
  schema: { type: 'string', pattern: String.raw`^\d+(\.\d+)?\s*(B|[KMGT]i?B)$` },
  parse(text) {
    const [, amount, unit] = /^(\d+(?:\.\d+)?)\s*(B|[KMGT]i?B)$/.exec(text) ?? [];
    if (amount === undefined) throw new InvalidValue('expected a size such as 500MB or 4GiB');
    return Math.round(Number(amount) * byteUnits[unit as keyof typeof byteUnits]);
  },
};

export function choiceKind<const Choices extends readonly string[]>(choices: Choices): Kind<Choices[number]> {
  return {
    name: 'choice',
    schema: { type: 'string', enum: choices },
    parse(text) {
      const found = choices.find((choice) => choice === text);
      if (found !== undefined) return found;
      const near = nearest(text, choices);
      throw new InvalidValue(`expected one of ${choices.join(', ')}${near === undefined ? '' : ` (did you mean ${near}?)`}`);
    },
  };
}

/** A JSON array of texts, or one text a line. */
export const listKind: Kind<readonly string[]> = {
  name: 'list',
  schema: { oneOf: [{ type: 'array', items: { type: 'string' } }, { type: 'string' }] },
  parse(text) {
    if (!text.trimStart().startsWith('[')) {
      return text
        .split(/\r?\n/)
        .map((line) => line.trim())
        .filter((line) => line !== '');
    }
    const value = parseJson(text);
    if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
    throw new InvalidValue('expected one item a line, or a JSON array of texts');
  },
};

/** A path; relative ones are resolved against the workspace by the shell. */
export const pathKind: Kind<string> = {
  name: 'path',
  schema: { type: 'string' },
  parse(text) {
    if (text.includes('\0')) throw new InvalidValue('expected a path');
    return path.normalize(text);
  },
};

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
