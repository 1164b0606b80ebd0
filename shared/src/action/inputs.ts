import type { Secret } from '../redaction/secret.ts';
import {
  booleanKind,
  bytesKind,
  choiceKind,
  durationKind,
  integerKind,
  listKind,
  pathKind,
  secretKind,
  textKind,
  type Kind,
} from './kinds.ts';

/** The declaration of one input, whose parsed value is a `T`, or undefined when it was not given. */
export interface Input<T> {
  readonly kind: Kind<T>;
  readonly description: string;
  readonly required: boolean;
  /** What an absent input stands for, as the user would write it. */
  readonly default: string | undefined;
  /** A `${{ … }}` expression: the only default that is written into action.yml, because only GitHub can evaluate it. */
  readonly expression: string | undefined;
}

/** An input that always has a value: it is required, or has a default. */
export interface PresentInput<T> extends Input<T> {
  readonly alwaysPresent: true;
}

export interface OptionalInput<T> extends Input<T> {
  /** The same input, of which the absence is a problem. */
  mandatory(): PresentInput<T>;
  /** The same input with a value for its absence, as the user would write it. */
  or(text: string): PresentInput<T>;
  orExpression(expression: string): Input<T>;
}

function input<T>(kind: Kind<T>, description: string): OptionalInput<T> {
  const absent = { kind, description, required: false, default: undefined, expression: undefined };
  return {
    ...absent,
    mandatory: () => ({ ...absent, required: true, alwaysPresent: true }),
    or: (text) => ({ ...absent, default: text, alwaysPresent: true }),
    orExpression: (expression) => ({ ...absent, expression }),
  };
}

export const text = (description: string): OptionalInput<string> => input(textKind, description);
export const secret = (description: string): OptionalInput<Secret> => input(secretKind, description);
export const boolean = (description: string): OptionalInput<boolean> => input(booleanKind, description);
/** A whole number within `range`. */
export const integer = (description: string, range: { readonly min?: number; readonly max?: number } = {}): OptionalInput<number> =>
  input(integerKind(range), description);
/** Milliseconds, written as `90s`, `30m`, `1h30m`. */
export const duration = (description: string): OptionalInput<number> => input(durationKind, description);
/** Bytes, written as `500MB`, `4GiB`. */
export const bytes = (description: string): OptionalInput<number> => input(bytesKind, description);
export const choice = <const Choices extends readonly string[]>(description: string, choices: Choices): OptionalInput<Choices[number]> =>
  input(choiceKind(choices), description);
/** Texts, as a JSON array or one a line. */
export const list = (description: string): OptionalInput<readonly string[]> => input(listKind, description);
/** A path; relative ones start at the workspace. */
export const path = (description: string): OptionalInput<string> => input(pathKind, description);
