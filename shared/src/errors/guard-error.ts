import { codes, type Code } from './codes.ts';

/** A line in one of the user's files, shown as an annotation there. `line` and `column` count from 1. */
export interface Place {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
}

export interface GuardErrorOptions {
  readonly cause?: unknown;
  /** Replaces the remedy of the code table where the situation allows a more exact one. */
  readonly remedy?: string;
  readonly place?: Place;
}

/**
 * An expected failure: a stable code, what happened to what, and what to do about it.
 * `message` never holds a URI, a secret or the content of a document. Anything else that is thrown is a bug of ours.
 */
export class GuardError extends Error {
  override readonly name = 'GuardError';
  readonly code: Code;
  readonly remedy: string;
  readonly place: Place | undefined;

  constructor(code: Code, message: string, options: GuardErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.remedy = options.remedy ?? codes[code].remedy;
    this.place = options.place;
  }
}

/** Makes an `Error` of whatever was thrown. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
