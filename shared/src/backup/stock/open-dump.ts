import { stat } from 'node:fs/promises';
import { openArchive } from './archive.ts';
import type { StockDump } from './dump.ts';
import { looksLikeDump, openFolder } from './folder.ts';

/**
 * What mongodump wrote at this path: an archive when it is a file, a dump when it is a folder that looks like one; `undefined` when it is
 * neither, and so is a store of ours or nothing. Throws `dump/*`, `backup/store-failed`.
 */
export async function openDump(location: string): Promise<StockDump | undefined> {
  const found = await stat(location).catch(() => undefined);
  if (found?.isFile() === true) return openArchive(location);
  return found?.isDirectory() === true && (await looksLikeDump(location)) ? openFolder(location) : undefined;
}
