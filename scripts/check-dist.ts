import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { actionFolders, repository } from './actions.ts';

/** Each `dist` is what the sources build to, byte for byte. */
export async function check(): Promise<readonly string[]> {
  const out = await mkdtemp(path.join(tmpdir(), 'migration-guard-dist-'));
  try {
    execFileSync(process.execPath, ['--conditions=source', path.join(import.meta.dirname, 'build.ts'), '--out', out], {
      cwd: repository,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const violations: string[] = [];
    for (const { name } of await actionFolders(path.join('src', 'main.ts'))) {
      const dist = path.join(`action-${name}`, 'dist');
      violations.push(...differences(dist, await sums(path.join(repository, dist)), await sums(path.join(out, dist))));
    }
    return violations;
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}

async function sums(folder: string): Promise<ReadonlyMap<string, string>> {
  if (!existsSync(folder)) return new Map();
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  const hash = async (file: string): Promise<string> =>
    createHash('sha256')
      .update(await readFile(file))
      .digest('hex');
  return new Map(await Promise.all(files.map(async (file) => [path.relative(folder, file), await hash(file)] as const)));
}

function differences(dist: string, committed: ReadonlyMap<string, string>, built: ReadonlyMap<string, string>): string[] {
  if (committed.size === 0) return [`${dist} is missing: run npm run build`];
  const names = [...new Set([...committed.keys(), ...built.keys()])].sort();
  return names.filter((name) => committed.get(name) !== built.get(name)).map((name) => `${dist}/${name} is stale: run npm run build`);
}
