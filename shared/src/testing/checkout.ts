import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

export interface Checkout extends AsyncDisposable {
  readonly folder: string;
  /** Adds or replaces files, by path relative to the folder. */
  write(files: Readonly<Record<string, string>>): Promise<void>;
}

/** A project of a user with the given files, outside of this repository so that its node_modules are not found from there. */
export async function makeCheckout(files: Readonly<Record<string, string>>): Promise<Checkout> {
  const folder = await mkdtemp(path.join(tmpdir(), 'checkout-'));
  const write: Checkout['write'] = async (added) => {
    for (const [name, content] of Object.entries(added)) {
      await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
      await writeFile(path.join(folder, name), content);
    }
  };
  await write(files);
  return { folder, write, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}
