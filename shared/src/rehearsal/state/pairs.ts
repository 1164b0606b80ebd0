import { elementOf } from '../../mongo/raw-bson.ts';
import type { Spill } from './spill.ts';

/** One document before and after; one side is absent where it came or went. */
export interface Pair {
  readonly before?: Buffer;
  readonly after?: Buffer;
}

/**
 * The documents of two states of a collection, paired by `_id`. Both are kept in the server's order, which writes hardly change: walking
 * them side by side finds nearly every pair at once, and only what is out of step is kept in memory.
 */
export function* pairDocuments(before: Spill | undefined, after: Spill | undefined): Generator<Pair> {
  const old = before?.documents();
  const now = after?.documents();
  const waitingBefore = new Map<string, Buffer>();
  const waitingAfter = new Map<string, Buffer>();
  let oldDone = old === undefined;
  let nowDone = now === undefined;
  while (!oldDone || !nowDone) {
    const a = oldDone ? undefined : old?.next();
    const b = nowDone ? undefined : now?.next();
    oldDone = a === undefined || a.done === true;
    nowDone = b === undefined || b.done === true;
    const was = a?.done === false ? a.value : undefined;
    const is = b?.done === false ? b.value : undefined;
    // Most documents are the same, which is told faster than that their ids are.
    if (was !== undefined && is !== undefined && (was.equals(is) || keyOf(was) === keyOf(is))) {
      yield { before: was, after: is };
      continue;
    }
    if (was !== undefined) yield* meet({ before: was }, waitingAfter, nowDone ? undefined : waitingBefore);
    if (is !== undefined) yield* meet({ after: is }, waitingBefore, oldDone ? undefined : waitingAfter);
  }
  for (const document of waitingBefore.values()) yield { before: document };
  for (const document of waitingAfter.values()) yield { after: document };
}

/** Pairs a document with the one that waits for it. Otherwise it waits itself, or stays alone when no more can come. */
function* meet(one: Pair, others: Map<string, Buffer>, own: Map<string, Buffer> | undefined): Generator<Pair> {
  const document = one.before ?? one.after ?? Buffer.alloc(0);
  const key = keyOf(document);
  const other = others.get(key);
  if (other !== undefined) {
    others.delete(key);
    yield one.before === undefined ? { before: other, after: document } : { before: document, after: other };
  } else if (own === undefined) yield one;
  else own.set(key, Buffer.from(document));
}

/** Type and bytes of `_id`. A time series keeps buckets, which have one too. */
function keyOf(document: Buffer): string {
  // Nearly always the first element, whose bytes are then told by the shortest way.
  const id = elementOf(document, '_id');
  return id === undefined ? '' : `${id.type} ${id.value.toString('latin1')}`;
}
