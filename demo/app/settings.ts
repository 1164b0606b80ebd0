import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** What the application needs to start: kept in `app.json` of its folder, so that stop and start need no further arguments. */
export interface AppSettings {
  readonly uri: string;
  readonly database: string;
  /** On loopback; the same after every start. */
  readonly port: number;
  /** The application ends by itself when this process is gone. */
  readonly owner: number;
}

export async function readSettings(folder: string): Promise<AppSettings> {
  return JSON.parse(await readFile(path.join(folder, 'app.json'), 'utf8')) as AppSettings;
}

export async function writeSettings(folder: string, settings: AppSettings): Promise<void> {
  await writeFile(path.join(folder, 'app.json'), JSON.stringify(settings));
}

export function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
