import { elementOf } from '../../mongo/raw-bson.ts';
import { natureOf, type Window } from './natural.ts';
import { signatureOf } from './signature.ts';

/** Documents that are kept to find partners, up to so many bytes a side. */
const keptBytes = 256 * 2 ** 20;

/** Documents of one side for which the other has none of that `_id`. */
export interface Unpaired {
  readonly documents: Buffer[];
  bytes: number;
  /** Those that were not kept. */
  more: number;
}

export function nobody(): Unpaired {
  return { documents: [], bytes: 0, more: 0 };
}

export function keepUnpaired(kept: Unpaired, document: Buffer | undefined): void {
  if (document === undefined) return;
  kept.bytes += document.length;
  if (kept.bytes > keptBytes) kept.more += 1;
  else kept.documents.push(Buffer.from(document));
}

export interface Partners {
  readonly removed: readonly Buffer[];
  readonly added: readonly Buffer[];
  /** Pairs that are the same but for what a run makes anew, the `_id` among it. */
  readonly pairs: number;
}

/** Documents that a run makes with a new `_id` each time are the same when all else is: what has no such partner is left. Pure. */
export function withoutPartners(removed: Unpaired, added: Unpaired, windows: readonly [Window, Window] | undefined): Partners {
  if (windows === undefined) return { removed: removed.documents, added: added.documents, pairs: 0 };
  const [first, second] = windows;
  const waiting = new Map<string, Buffer[]>();
  const left: Buffer[] = [];
  for (const document of removed.documents) {
    if (!hasGeneratedId(document, first)) left.push(document);
    else waitUnder(waiting, signatureOf(document, first), document);
  }
  const more = added.documents.filter(
    (document) => !hasGeneratedId(document, second) || waiting.get(signatureOf(document, second))?.pop() === undefined,
  );
  return { removed: [...left, ...[...waiting.values()].flat()], added: more, pairs: added.documents.length - more.length };
}

function hasGeneratedId(document: Buffer, window: Window): boolean {
  const id = elementOf(document, '_id');
  return id !== undefined && natureOf(id, window) === 'generated id';
}

function waitUnder(waiting: Map<string, Buffer[]>, key: string, document: Buffer): void {
  const list = waiting.get(key);
  if (list === undefined) waiting.set(key, [document]);
  else list.push(document);
}
