import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z, type ZodType } from 'zod';
import { GuardError, toError } from '../errors/guard-error.ts';

/** A versioned JSON document that the actions hand to each other. */
export interface DocumentFormat<T> {
  readonly name: string;
  readonly version: number;
  /** Throws `document/too-new` or `document/invalid`. `source` names where the value came from, for the message. */
  parse(value: unknown, source: string): T;
  /** Reads a file. Throws `document/not-found`, `document/too-new` or `document/invalid`. */
  read(file: string): Promise<T>;
  /** Writes a file in one step: a reader sees the old content or the new one, never a part. */
  write(file: string, value: T): Promise<void>;
}

/** A document with the given name, its present `version`, and the schema of everything else in it. */
export function defineDocument<T extends { readonly version: number }>(
  name: string,
  version: number,
  schema: ZodType<T>,
): DocumentFormat<T> {
  const parse = (value: unknown, source: string): T => {
    const found = z.object({ version: z.number() }).safeParse(value);
    if (found.success && found.data.version > version) {
      throw new GuardError(
        'document/too-new',
        `The ${name} ${source} has version ${found.data.version}, this release reads up to ${version}.`,
      );
    }
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    const first = parsed.error.issues[0];
    throw new GuardError(
      'document/invalid',
      `The ${name} ${source} is not valid: ${first?.path.join('.') || 'document'}: ${first?.message}`,
    );
  };
  return {
    name,
    version,
    parse,
    read: async (file) => parse(parseJson(await readText(name, file), name, file), file),
    write: (file, value) => writeAtomically(file, `${JSON.stringify(value, undefined, 1)}\n`),
  };
}

/** Replaces `file` in one step, folders included. */
export async function writeAtomically(file: string, content: string | Uint8Array): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  const part = `${file}.${randomUUID()}.part`;
  await writeFile(part, content);
  await rename(part, file);
}

async function readText(name: string, file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new GuardError(
      'document/not-found',
      `The ${name} ${file} cannot be read: ${(error as NodeJS.ErrnoException).code ?? toError(error).message}.`,
      { cause: error },
    );
  }
}

function parseJson(text: string, name: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new GuardError('document/invalid', `The ${name} ${file} is not JSON.`, { cause: error });
  }
}
