import { createHash } from 'node:crypto';

const chunkFile = /^(\d+)\.index\.js$/;
/** Where a bundle names a chunk: where it is loaded, and where the chunk says its own id. */
const references = /\.e\((\d+)\)|const id=(\d+);const ids=\[\2\];/g;

/**
 * Numbers the chunks of a bundle anew, by their content. The bundler takes the id of a chunk that two others share from the one that it happens
 * to resolve first, so that two builds of the same sources can differ by that number and nothing else. Pure.
 */
export function stableChunkIds(files: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const chunks = [...files].flatMap(([name, text]) => {
    const id = chunkFile.exec(name)?.[1];
    return id === undefined ? [] : [{ id, digest: digestWithout(text) }];
  });
  const ordered = chunks.sort((a, b) => (a.digest < b.digest ? -1 : 1));
  const numbers = new Map(ordered.map(({ id }, index) => [id, String(index + 1)]));
  return new Map(
    [...files].map(([name, text]) => [
      name.replace(chunkFile, (_, id: string) => `${numbers.get(id)}.index.js`),
      text.replaceAll(references, (found, loaded: string | undefined, own: string | undefined) => {
        const id = loaded ?? own ?? '';
        return found.replaceAll(id, numbers.get(id) ?? id);
      }),
    ]),
  );
}

function digestWithout(text: string): string {
  return createHash('sha256').update(text.replaceAll(references, '')).digest('hex');
}
