import { execFileSync } from 'node:child_process';
import { homedir } from 'node:os';
import { repository } from './actions.ts';
import { readTracked, trackedFiles } from './tracked-files.ts';

/** Nothing that is committed names a folder of this machine or the host of a package registry. */
export function check(): readonly string[] {
  const needles = [repository, `${homedir()}/`, ...registryHosts()].filter((needle) => needle.length > 6);
  const ours = /registry\.npmjs\.org|files\.pythonhosted\.org|proxy\.golang\.org/;
  return trackedFiles(/\.(ts|m?js|json|ya?ml|md|sh)$|\.ci\/run$/)
    .filter((file) => file !== 'scripts/check-machine-paths.ts')
    .flatMap((file) => {
      const lines = readTracked(file).split('\n');
      return lines.flatMap((line, index) => {
        const found = needles.find((needle) => line.includes(needle)) ?? ours.exec(line)?.[0];
        return found === undefined ? [] : [`${file}:${index + 1} names ${found}`];
      });
    });
}

/** The registry that npm uses here, which may be a mirror of this machine's network. */
function registryHosts(): readonly string[] {
  const url = execFileSync('npm', ['config', 'get', 'registry'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  return URL.canParse(url) ? [new URL(url).host] : [];
}
