import { enableCompileCache } from 'node:module';
const { XDG_CACHE_HOME, HOME, LOCALAPPDATA } = process.env;
const folder = XDG_CACHE_HOME || (HOME ? `${HOME}/.cache` : LOCALAPPDATA);
if (folder) enableCompileCache(`${folder}/migration-guard/code`);
const { main } = await import('./entries.js');
await main();
