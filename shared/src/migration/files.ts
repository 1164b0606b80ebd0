import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { GuardError, toError } from '../errors/guard-error.ts';

/** One migration file. Its identity is its name, never what it exports. */
export interface MigrationFile {
  /** Name without folder, for example `20240101120000-add-status.js`. */
  readonly name: string;
  readonly path: string;
  /** SHA-256 of the bytes, hexadecimal, as migrate-mongo records it. */
  readonly hash: string;
}

/** Extensions that are loaded when the project does not name one. */
export const knownExtensions = ['.js', '.cjs', '.mjs', '.ts', '.cts', '.mts'] as const;

/** Name of a file without the extension of a known kind. */
export function nameWithoutExtension(name: string): string {
  return name.replace(/\.[cm]?[jt]s$/, '');
}

/**
 * The migration files of `folder`, not of its subfolders, in plain string order as migrate-mongo sorts them; without its sample file and
 * without type declarations. Throws `migration/folder-not-found`.
 */
export async function discover(folder: string, extensions: readonly string[] = knownExtensions): Promise<readonly MigrationFile[]> {
  const names = (await list(folder)).filter((name) => isMigration(name, extensions)).sort();
  return Promise.all(
    names.map(async (name) => {
      const file = path.join(folder, name);
      return {
        name,
        path: file,
        hash: createHash('sha256')
          .update(await readFile(file))
          .digest('hex'),
      };
    }),
  );
}

function isMigration(name: string, extensions: readonly string[]): boolean {
  const extension = path.extname(name);
  return extensions.includes(extension) && name !== `sample-migration${extension}` && !/\.d\.[cm]?ts$/.test(name);
}

async function list(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.filter((entry) => !entry.isDirectory()).map((entry) => entry.name);
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? toError(error).message;
    throw new GuardError('migration/folder-not-found', `The migrations folder ${folder} cannot be read (${reason}).`, { cause: error });
  }
}
