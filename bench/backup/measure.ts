import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';

/** What one command cost: wall and processor time in seconds, peak memory of its largest process in MiB where the system tells. */
export interface Cost {
  readonly seconds: number;
  readonly processorSeconds: number | undefined;
  readonly peakMebibytes: number | undefined;
}

/** GNU time tells processor time and peak memory of a command with all that it starts. */
const timeTool = ['/usr/bin/time', '/usr/local/bin/gtime'].find((file) => existsSync(file));

/** Runs a shell command to its end. Throws with the end of its output when it fails. */
export async function measure(command: string, env: Readonly<Record<string, string | undefined>>): Promise<Cost> {
  const shell = ['bash', '-o', 'pipefail', '-c', command];
  const [program = '', ...args] = timeTool === undefined ? shell : [timeTool, '-f', '\ncost %e %U %S %M', ...shell];
  const started = performance.now();
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-4_000);
    });
  const [code] = (await once(child, 'close')) as [number | null];
  const seconds = (performance.now() - started) / 1_000;
  if (code !== 0) throw new Error(`${command}\n${output}`);
  const [, , user, system, kibibytes] = /^cost (\S+) (\S+) (\S+) (\d+)$/m.exec(output) ?? [];
  return {
    seconds,
    processorSeconds: user === undefined ? undefined : Number(user) + Number(system),
    peakMebibytes: kibibytes === undefined ? undefined : Number(kibibytes) / 1_024,
  };
}

/** The middle one, by wall time. */
export function medianCost(costs: readonly Cost[]): Cost | undefined {
  return costs.toSorted((a, b) => a.seconds - b.seconds)[Math.floor(costs.length / 2)];
}
