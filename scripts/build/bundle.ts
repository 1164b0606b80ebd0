import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { bundleEntries, type ActionFolder } from '../actions.ts';
import { stableChunkIds } from './chunk-ids.ts';

interface NccOptions {
  readonly cache: false;
  readonly license?: string;
  readonly minify: true;
  readonly target: string;
  readonly esm: true;
  readonly quiet: true;
  readonly externals: Readonly<Record<string, string>>;
}
interface NccResult {
  readonly code: string;
  readonly assets: Readonly<Record<string, { readonly source: string | Buffer }>>;
}
/** The driver reads connection strings with a URL of its own for browsers, whose tables take a sixth of its start. Node has the same one. */
export const externals = { 'whatwg-url': 'node:url' };
const options = { cache: false, minify: true, target: 'es2024', esm: true, quiet: true, externals } as const;
const ncc = createRequire(import.meta.url)('@vercel/ncc') as (input: string, options: NccOptions) => Promise<NccResult>;

/**
 * Bundles the emitted JavaScript of one action into `dist`, which is wiped first. Every entry becomes a file of a line (`src/main.ts` →
 * `index.js`, `src/worker.ts` → `worker.js`) beside one set of chunks, split where the sources import dynamically, that they share.
 */
export async function bundleAction({ folder }: ActionFolder, dist: string): Promise<void> {
  const names = (await bundleEntries(folder)).map((entry) => path.basename(entry, '.ts'));
  const input = path.join(folder, 'lib', 'entries.js');
  await writeFile(input, names.map((name) => `export const ${name} = () => import('./src/${name}.js');\n`).join(''));
  const { code, assets } = await ncc(input, { ...options, license: 'licenses.txt' });
  const texts = new Map([['entries.js', code]]);
  const files = new Map<string, string | Buffer>([['package.json', '{"type":"module"}\n']]);
  for (const [name, { source }] of Object.entries(assets)) {
    if (/^\d+\.index\.js$/.test(name)) texts.set(name, source.toString());
    else if (name !== 'package.json') files.set(name, source);
  }
  for (const [name, text] of stableChunkIds(texts)) files.set(name, name === 'entries.js' ? text : await minifyChunk(text));
  for (const name of names) {
    files.set(name === 'main' ? 'index.js' : `${name}.js`, entryText(name));
  }
  await rm(dist, { recursive: true, force: true });
  await mkdir(dist, { recursive: true });
  for (const [name, content] of files) await writeFile(path.join(dist, name), content);
}

/**
 * Starts an entry with V8's compiled code kept in the user's cache folder: the second step of a job that uses the action, and every later one,
 * starts in two thirds of the time. Never a shared folder: who can write there could run code here. Without a cache all is the same, slower.
 */
function entryText(name: string): string {
  return `import { enableCompileCache } from 'node:module';
const { XDG_CACHE_HOME, HOME, LOCALAPPDATA } = process.env;
const folder = XDG_CACHE_HOME || (HOME ? \`\${HOME}/.cache\` : LOCALAPPDATA);
if (folder) enableCompileCache(\`\${folder}/migration-guard/code\`);
const { ${name} } = await import('./entries.js');
await ${name}();
`;
}

/** ncc minifies the entry only. A chunk is a module that exports its id and its modules: bundled on its own, it stays one, and gets small. */
async function minifyChunk(source: string): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'migration-guard-chunk-'));
  try {
    const file = path.join(folder, 'chunk.mjs');
    await writeFile(file, source);
    return (await ncc(file, options)).code;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Undoes one thing that TypeScript does to the emitted `file`: it wraps `import(expression)` for files of the user so that the comment which
 * tells the bundler to keep its hands off ends up where the bundler does not look.
 */
export async function freeDynamicImports(file: string): Promise<void> {
  const before = await readFile(file, 'utf8');
  const after = before.replaceAll(/import\(__rewriteRelativeImportExtension\((\/\* webpackIgnore: true \*\/ [^()]+)\)\)/g, 'import($1)');
  if (after !== before) await writeFile(file, after);
}
