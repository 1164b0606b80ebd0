import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';

const standIns = path.join(import.meta.dirname, 'stock-tools');

/**
 * Puts an executable into `folder` that is the stock tool, when MONGODUMP or MONGORESTORE names it, or else a stand-in: no registry
 * carries the stock tools. Returns its path.
 */
export async function stockTool(name: 'mongodump' | 'mongorestore', folder: string): Promise<string> {
  const stock = process.env[name.toUpperCase()];
  const standIn = `"${process.execPath}" --conditions=source "${path.join(standIns, `${name}.ts`)}"`;
  return script(path.join(folder, name), `exec ${stock === undefined ? standIn : `"${stock}"`} "$@"`);
}

/** Writes an executable that runs `commands` by the shell. Returns its path. */
export async function script(file: string, commands: string): Promise<string> {
  await writeFile(file, `#!/bin/sh\n${commands}\n`);
  await chmod(file, 0o755);
  return file;
}
