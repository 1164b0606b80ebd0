import { addDigests, createDigester, type Digest } from '../../mongo/digest.ts';
import { hashDocuments } from '../../mongo/document-hash.ts';
import type { Author, Attribution, Claim } from './attribution.ts';
import type { ChangeEvent } from './event.ts';
import type { ImagePlace, ImageStore } from './image-store.ts';
import { changesOf, differenceOf } from './raw-merge.ts';
import type { Touch } from './touch.ts';

/** What is known of one document since the rollback point. */
export interface DocumentHistory {
  readonly uuid: string;
  /** `_id` with its BSON type byte in front. */
  readonly key: Buffer;
  /** The document at the point: its place, its hash, that there was none, or that nobody kept it. */
  readonly atPoint: ImagePlace | DocumentSum | 'none' | 'unknown';
  /** The writes that are not put back yet, from the first that may be the migration's. */
  writes: StoredTouch[];
  /** Whether others wrote it before those. */
  othersWrote: boolean;
  /** Writes before those of which it is decided later whose they are. */
  earlier: readonly Pick<StoredTouch, 'claim' | 'time'>[];
}

export interface DocumentSum {
  readonly sum: bigint;
  readonly bytes: number;
}

export interface StoredTouch {
  readonly claim: Claim;
  readonly time: bigint;
  readonly kind: Touch['kind'];
  readonly fields: readonly string[] | undefined;
  readonly before: ImagePlace | undefined;
  readonly after: ImagePlace | undefined;
}

const mostFieldLists = 10_000;
const kinds: ReadonlySet<string> = new Set(['insert', 'update', 'replace', 'delete']);

export function isWrite(event: ChangeEvent): event is ChangeEvent & { readonly kind: Touch['kind']; readonly key: Buffer } {
  return kinds.has(event.kind) && event.key !== undefined;
}

/** What happened to every document that was written since the point. Events must come in their order. */
export class Histories {
  readonly #attribution: Attribution;
  readonly #images: ImageStore;
  readonly #documents: Map<string, Map<string, DocumentHistory>> = new Map();
  /** The same list of fields is kept once. */
  readonly #fieldLists: Map<string, readonly string[]> = new Map();
  readonly #lastWrites: Map<string, bigint> = new Map();
  #size = 0;

  constructor(attribution: Attribution, images: ImageStore) {
    this.#attribution = attribution;
    this.#images = images;
  }

  get size(): number {
    return this.#size;
  }

  /** Takes a write, and tells who claims it. */
  add(event: ChangeEvent & { readonly kind: Touch['kind']; readonly key: Buffer }): Claim {
    this.#lastWrites.set(event.uuid, event.time);
    const fields = this.#fieldsOf(event);
    const claim = this.#attribution.claim(event, fields);
    const place = (bytes: Buffer | undefined): ImagePlace | undefined => (bytes === undefined ? undefined : this.#images.keep(bytes));
    const before = claim === 'others' ? undefined : place(event.before);
    const history = this.#historyOf(event, before);
    if (claim === 'undo') {
      this.putBack(history);
      return claim;
    }
    // The first write that may be the migration's brings the state before it along, so what others wrote until then need not be kept.
    if (claim === 'others' && history.writes.length === 0 && event.before !== undefined) {
      history.othersWrote = true;
      return claim;
    }
    history.writes.push({
      claim,
      time: event.time,
      kind: event.kind,
      fields,
      before: before ?? place(event.before),
      after: place(event.kind === 'update' ? event.update : event.after),
    });
    return claim;
  }

  /** Whatever the migration did is put back, with all that others wrote until then. */
  putBack(history: DocumentHistory): void {
    history.othersWrote ||= history.writes.some((touch) => touch.claim === 'others');
    history.earlier = [...history.earlier, ...history.writes.filter((touch) => typeof touch.claim === 'number')];
    history.writes = [];
  }

  /** Whether anybody but migrations wrote the document since the point. */
  writtenByOthers({ othersWrote, writes, earlier }: DocumentHistory, author: (claim: Claim, time: bigint) => Author): boolean {
    return othersWrote || [...writes, ...earlier].some(({ claim, time }) => author(claim, time) !== 'migration');
  }

  *all(): Generator<DocumentHistory> {
    for (const documents of this.#documents.values()) yield* documents.values();
  }

  of(uuid: string): IterableIterator<DocumentHistory> {
    return (this.#documents.get(uuid) ?? new Map<string, DocumentHistory>()).values();
  }

  /** Cluster time of the last write to a collection. */
  lastWrite(uuid: string): bigint | undefined {
    return this.#lastWrites.get(uuid);
  }

  touches({ writes }: DocumentHistory, author: (claim: Claim, time: bigint) => Author): readonly Touch[] {
    return writes.map(({ claim, time, kind, fields, before, after }) => ({
      by: author(claim, time),
      kind,
      fields,
      before: () => (before === undefined ? 'missing' : this.#images.read(before)),
      after: () => (after === undefined ? undefined : this.#images.read(after)),
    }));
  }

  sumAtPoint({ atPoint }: DocumentHistory): DocumentSum | 'none' | 'unknown' {
    return typeof atPoint === 'object' && 'start' in atPoint ? sumOf(this.#images.read(atPoint)) : atPoint;
  }

  /** All that these documents were together at the point; those of which nobody kept that are left out. */
  digestAtPoint(histories: Iterable<DocumentHistory>): Digest {
    const digester = createDigester();
    const places: ImagePlace[] = [];
    const sums: DocumentSum[] = [];
    for (const { atPoint } of histories) {
      if (typeof atPoint === 'string') continue;
      if ('start' in atPoint) places.push(atPoint);
      else sums.push(atPoint);
    }
    for (const run of this.#images.together(places)) digester.add(run);
    return addDigests(digester.digest(), totalOf(sums));
  }

  #historyOf(event: ChangeEvent & { readonly key: Buffer }, before: ImagePlace | undefined): DocumentHistory {
    const documents = this.#documents.get(event.uuid) ?? new Map<string, DocumentHistory>();
    this.#documents.set(event.uuid, documents);
    const id = event.key.toString('latin1');
    const known = documents.get(id);
    if (known !== undefined) return known;
    this.#size += 1;
    const history: DocumentHistory = {
      uuid: event.uuid,
      key: event.key,
      atPoint: stateBefore(event, before),
      writes: [],
      othersWrote: false,
      earlier: [],
    };
    documents.set(id, history);
    return history;
  }

  #fieldsOf({ kind, update, before, after }: ChangeEvent): readonly string[] | undefined {
    if (kind === 'update' && update !== undefined) return this.#once(changesOf(update).map(({ path }) => path));
    if (kind !== 'replace' || before === undefined || after === undefined) return undefined;
    return this.#once(differenceOf(before, after).map(({ path }) => path));
  }

  #once(paths: readonly string[]): readonly string[] {
    const text = paths.join('\n');
    const known = this.#fieldLists.get(text);
    if (known !== undefined) return known;
    if (this.#fieldLists.size < mostFieldLists) this.#fieldLists.set(text, paths);
    return paths;
  }
}

function stateBefore({ kind, before }: ChangeEvent, place: ImagePlace | undefined): DocumentHistory['atPoint'] {
  if (kind === 'insert') return 'none';
  return place ?? (before === undefined ? 'unknown' : sumOf(before));
}

export function sumOf(document: Buffer): DocumentSum {
  return { sum: hashDocuments(document).sum, bytes: document.length };
}

export function totalOf(sums: readonly DocumentSum[]): Digest {
  const total = sums.reduce((whole, { sum }) => whole + sum, 0n) & (2n ** 128n - 1n);
  return {
    documents: sums.length,
    bytes: sums.reduce((whole, { bytes }) => whole + bytes, 0),
    sum: total.toString(16).padStart(32, '0'),
  };
}
