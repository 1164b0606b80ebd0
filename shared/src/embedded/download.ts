import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const usualVersion = '7.0.24';
const patienceMilliseconds = 5_000;

/**
 * Downloads the official server into `folder` through mongodb-memory-server and returns the path of `mongod`.
 * Throws when nothing has arrived after five seconds: many networks drop the connection without an answer.
 */
export async function downloadOfficial(folder: string, version: string = usualVersion): Promise<string> {
  const { MongoBinary } = await import('mongodb-memory-server-core/lib/util/MongoBinary.js');
  const download = MongoBinary.getPath({ version, downloadDir: folder, checkMD5: true });
  download.catch(() => undefined);
  return Promise.race([download, silence(folder)]);
}

/** Rejects unless the first bytes have arrived in time; afterwards it never settles. */
async function silence(folder: string): Promise<never> {
  const until = Date.now() + patienceMilliseconds;
  while (Date.now() < until) {
    await sleep(200, undefined, { ref: true });
    if (await hasBytes(folder)) return new Promise<never>(() => undefined);
  }
  throw new Error(`no answer within ${patienceMilliseconds / 1000} s`);
}

async function hasBytes(folder: string): Promise<boolean> {
  for (const entry of await readdir(folder)) {
    const found = await stat(path.join(folder, entry)).catch(() => undefined);
    if (found?.isFile() === true && found.size > 1024) return true;
  }
  return false;
}
