import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Driver } from './driver.ts';

/** What imports what in this process, as the resolve hook saw it. */
export interface ImportGraph {
  add(parent: string, url: string): void;
  /** Packages that `file` reaches and whose BSON values the driver refuses, for example `mongoose 8.1.0 uses bson 6.2.0`. */
  foreignBson(file: string, driver: Driver): readonly string[];
}

/**
 * BSON values of one major version are refused by drivers of another, at the moment of the first write: this finds out before, from the
 * copies of `bson` that a file reaches through its imports.
 */
export function importGraph(): ImportGraph {
  const edges = new Map<string, Set<string>>();
  return {
    add: (parent, url) => {
      const children = edges.get(parent) ?? new Set();
      edges.set(parent, children.add(url));
    },
    foreignBson: (file, driver) => {
      const expected = bsonMajor(driver);
      const found = reach(edges, pathToFileURL(file).href).flatMap(({ url, entry }) => {
        const bson = packageAt(url);
        if (bson?.name !== 'bson' || major(bson.version) === expected) return [];
        const user = packageAt(entry);
        return [user === undefined || user.name === 'bson' ? `it imports bson ${bson.version}` : describe(user, bson)];
      });
      return [...new Set(found)];
    },
  };
}

function describe(user: Package, bson: Package): string {
  return `${user.name} ${user.version} uses bson ${bson.version}`;
}

interface Reached {
  readonly url: string;
  /** The first file of a package on the way. */
  readonly entry: string;
}

/** Every module of a package that `start` reaches. CommonJS modules that were loaded before are not resolved again, so Node's own list of children counts too. */
function reach(edges: ReadonlyMap<string, ReadonlySet<string>>, start: string): readonly Reached[] {
  const reached = new Map<string, Reached>();
  const waiting: Reached[] = [{ url: start, entry: '' }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { url: parent, entry } = next;
    for (const url of [...(edges.get(parent) ?? []), ...childrenOf(parent)]) {
      if (reached.has(url)) continue;
      const found = { url, entry: entry === '' && url.includes('/node_modules/') ? url : entry };
      reached.set(url, found);
      waiting.push(found);
    }
  }
  return [...reached.values()];
}

function childrenOf(url: string): readonly string[] {
  if (!url.startsWith('file:')) return [];
  const children = createRequire(url).cache[fileURLToPath(url)]?.children ?? [];
  return children.map(({ filename }) => pathToFileURL(filename).href);
}

interface Package {
  readonly name: string;
  readonly version: string;
}

/** The package of node_modules in which a module lies. */
function packageAt(url: string): Package | undefined {
  const [folder] = /^file:.*\/node_modules\/(?:@[^/]+\/)?[^/]+\//.exec(url) ?? [];
  if (folder === undefined) return undefined;
  try {
    return JSON.parse(readFileSync(new URL('package.json', folder), 'utf8')) as Package;
  } catch {
    return undefined;
  }
}

/** BSON classes carry their major since 5; those of 4 carry none. */
function bsonMajor({ module }: Driver): number {
  const prototype = module.ObjectId.prototype as unknown as Readonly<Record<symbol, unknown>>;
  const version = prototype[Symbol.for('@@mdb.bson.version')];
  return typeof version === 'number' ? version : 4;
}

function major(version: string): number {
  return Number(version.split('.')[0]);
}
