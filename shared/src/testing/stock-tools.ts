import { existsSync } from 'node:fs';
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

/** The stock tool that MONGODUMP or MONGORESTORE names, or that is on PATH. Throws when there is none. */
export function requireStockTool(name: 'mongodump' | 'mongorestore'): string {
  const folders = (process.env['PATH'] ?? '').split(path.delimiter).filter((folder) => folder !== '');
  const candidates = [process.env[name.toUpperCase()] ?? '', ...folders.map((folder) => path.join(folder, name))];
  const found = candidates.find((file) => file !== '' && existsSync(file));
  if (found === undefined) throw new Error(`${name} is not here: put it on PATH, or set ${name.toUpperCase()}.`);
  return found;
}

/** Writes an executable that runs `commands` by the shell. Returns its path. */
export async function script(file: string, commands: string): Promise<string> {
  await writeFile(file, `#!/bin/sh\n${commands}\n`);
  await chmod(file, 0o755);
  return file;
}
