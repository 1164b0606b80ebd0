import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const names = ['chromium', 'chromium-browser', 'google-chrome'];

/** The browser on this machine: CHROMIUM_BINARY, or Chromium or Chrome on PATH. */
async function findBrowser(): Promise<string> {
  for (const candidate of [process.env['CHROMIUM_BINARY'], ...names]) {
    if (candidate === undefined || candidate === '') continue;
    const works = await run(candidate, ['--version']).then(
      () => true,
      () => false,
    );
    if (works) return candidate;
  }
  throw new Error(
    `No browser: set CHROMIUM_BINARY, or install one of ${names.join(', ')} (apt-get install --no-install-recommends chromium).`,
  );
}

export interface BrowserOptions {
  readonly dark: boolean;
}

/** Opens a page in a real browser and returns its DOM as HTML after its scripts have run. */
export async function domOf(url: string, { dark }: BrowserOptions): Promise<string> {
  const browser = await findBrowser();
  const profile = await mkdtemp(path.join(tmpdir(), 'browser-'));
  const scheme = `--blink-settings=preferredColorScheme=${dark ? 0 : 1}`;
  const quiet = ['--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
  const args = ['--headless', '--no-sandbox', '--disable-gpu', ...quiet, `--user-data-dir=${profile}`, scheme, '--dump-dom', url];
  try {
    const { stdout } = await run(browser, args, { maxBuffer: 64 * 2 ** 20, timeout: 50_000 });
    return stdout;
  } finally {
    await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}
