import { GuardError } from '../../errors/guard-error.ts';
import { InvalidBson } from '../../mongo/raw-bson.ts';

/** A place in a dump; `offset` counts the unpacked bytes of the file. */
export interface DumpPlace {
  readonly file: string;
  readonly offset: number;
}

export function damaged({ file, offset }: DumpPlace, what: string, cause?: unknown): GuardError {
  return new GuardError('dump/damaged', `${file}, byte ${offset}: ${what}.`, { cause });
}

export function incomplete({ file, offset }: DumpPlace, what: string, cause?: unknown): GuardError {
  return new GuardError('dump/incomplete', `${file}, byte ${offset}: ${what}.`, { cause });
}

export function unsupported({ file, offset }: DumpPlace, what: string): GuardError {
  return new GuardError('dump/unsupported', `${file}, byte ${offset}: ${what}.`);
}

/** Says where in the file bytes that are not BSON lie; other errors are handed back. `start` is the offset of the bytes that were read. */
export function placed(error: unknown, { file, offset }: DumpPlace): unknown {
  if (!(error instanceof InvalidBson)) return error;
  return damaged({ file, offset: offset + error.offset }, error.what, error);
}
