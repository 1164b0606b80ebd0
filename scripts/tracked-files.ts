import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { repository } from './actions.ts';

/** Files of the repository that git tracks or would add, `dist` and deleted ones left out, by path with forward slashes. */
export function trackedFiles(pattern: RegExp): readonly string[] {
  const list = (...args: string[]): string[] =>
    execFileSync('git', ['ls-files', '-z', ...args], { cwd: repository, encoding: 'utf8', maxBuffer: 64 * 2 ** 20 }).split('\0');
  const deleted = new Set(list('--deleted'));
  const files = list('--cached', '--others', '--exclude-standard').filter((file) => file !== '' && !deleted.has(file));
  return [...new Set(files)].filter((file) => pattern.test(file) && !/^action-[^/]+\/dist\//.test(file)).sort();
}

export function readTracked(file: string): string {
  return readFileSync(path.join(repository, file), 'utf8');
}
