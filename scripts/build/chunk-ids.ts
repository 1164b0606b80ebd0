import { createHash } from 'node:crypto';

const chunkFile = /^(\d+)\.index\.js$/;
/** How a chunk says its own id, and those of the chunks that it contains. */
const ownIds = /^export const id = \d+;\nexport const ids = \[[\d,]+\];\n/;
/** Where a bundle loads a chunk. The bundler writes a comment before some of the ids. */
const loads = /\.e\((?:\/\*[^*]*\*\/ )?\d+\)/g;

/**
 * Numbers the chunks of a bundle anew, by their content, before they are minified. The bundler takes the id of a chunk that two others share
 * from the one that it happens to resolve first, so that two builds of the same sources can differ by that number and nothing else. Pure.
 * @throws Error where a chunk does not say its id as expected: its references would not be found either
 */
export function stableChunkIds(files: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const chunks = [...files].flatMap(([name, text]) => {
    const id = chunkFile.exec(name)?.[1];
    if (id === undefined) return [];
    if (!ownIds.test(text)) throw new Error(`${name} does not begin with its id`);
    return [{ id, digest: digestWithout(text) }];
  });
  const ordered = chunks.sort((a, b) => (a.digest < b.digest ? -1 : 1));
  const numbers = new Map(ordered.map(({ id }, index) => [id, String(index + 1)]));
  const renumber = (found: string): string => found.replaceAll(/\d+/g, (id) => numbers.get(id) ?? id);
  return new Map(
    [...files].map(([name, text]) => [
      chunkFile.test(name) ? renumber(name) : name,
      text.replace(ownIds, renumber).replaceAll(loads, renumber),
    ]),
  );
}

function digestWithout(text: string): string {
  return createHash('sha256').update(text.replace(ownIds, '').replaceAll(loads, '')).digest('hex');
}
