import { existsSync } from 'node:fs';
import path from 'node:path';
import { actionFolders } from './actions.ts';
import { measureBundle } from './build/measure.ts';

const mostMegabytes = 6;

/** Bundles stay small. Their start is printed only: a time is no assertion. */
export async function check(): Promise<readonly string[]> {
  const violations: string[] = [];
  for (const { name, folder } of await actionFolders(path.join('src', 'main.ts'))) {
    const dist = path.join(folder, 'dist');
    if (!existsSync(path.join(dist, 'index.js'))) {
      violations.push(`action-${name}/dist is missing: run npm run build`);
      continue;
    }
    const { megabytes, startMilliseconds } = await measureBundle(dist);
    console.log(`  ${name}: ${megabytes.toFixed(2)} MB, first log line after ${startMilliseconds} ms`);
    if (megabytes > mostMegabytes) violations.push(`action-${name}/dist is ${megabytes.toFixed(2)} MB, more than ${mostMegabytes} MB`);
  }
  return violations;
}
