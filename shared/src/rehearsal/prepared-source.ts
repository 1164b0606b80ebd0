import { randomBytes } from 'node:crypto';
import type { DecodedFrame } from '../backup/frame-reader.ts';
import type { RestoreSource, SourceCollection } from '../backup/restore-source.ts';
import { createDigester, type Digest } from '../mongo/digest.ts';
import { memoryPool } from '../mongo/memory-pool.ts';
import { forEachDocument } from '../mongo/raw-bson.ts';
import { createMasker, type Masker, type MaskOptions } from './masking/mask-document.ts';
import type { MaskMethod } from './masking/rules.ts';
import { chooseSample, type Sample, type SampleWishes } from './sampling/sample.ts';

/** What the copy may hold of a backup; everything, as it is, by default. */
export interface Preparation {
  readonly sample?: SampleWishes | undefined;
  readonly mask?: Pick<MaskOptions, 'rules' | 'detect'> | undefined;
  /** Collections that are whole and as they are whatever else is said: the history of the migrations. */
  readonly untouched?: readonly string[];
}

/** Values of one field that are not what they were. */
export interface MaskedField {
  readonly collection: string;
  readonly path: string;
  readonly method: MaskMethod;
  readonly values: number;
}

export interface Prepared {
  /** Holds only what the copy may hold. The digest of a collection is that of what was read of it, known when it was read to its end. */
  readonly source: RestoreSource;
  /** What became of it, once all of it was read. */
  readonly tell: () => PreparedParts;
}

export interface PreparedParts {
  readonly masked: readonly MaskedField[];
  /** Time series whose packed buckets cannot be masked, and are empty in the copy. */
  readonly emptied: readonly string[];
  readonly sampled?: SampledDocuments;
}

export interface SampledDocuments {
  readonly documents: number;
  readonly of: number;
  /** Whether everything that the documents refer to is there. */
  readonly complete: boolean;
}

export interface PrepareOptions {
  readonly from: RestoreSource;
  /** The only one that is restored. */
  readonly database: string;
  readonly preparation: Preparation;
  /** Makes a source that needs no replay of one that does: a replay onto a copy would bring what was left out, and unmasked values. */
  readonly settle: (source: RestoreSource) => Promise<RestoreSource>;
  readonly signal: AbortSignal;
}

/**
 * A sample of a backup, and masked. The key of the masking is of this run and forgotten with it. Throws `backup/*` as reading does, and
 * what `settle` throws.
 */
export async function prepareSource({ from, database, preparation, settle, signal }: PrepareOptions): Promise<Prepared> {
  const asBackedUp = { ...from, collections: from.collections.filter((collection) => collection.database === database) };
  const { sample: wishes, mask } = preparation;
  if (wishes === undefined && mask === undefined) return { source: asBackedUp, tell: () => ({ masked: [], emptied: [] }) };
  const whole = asBackedUp.replay === undefined ? asBackedUp : await settle(asBackedUp);
  const sample = wishes === undefined ? undefined : await chooseSample(whole, wishes, signal);
  const filters = new Map(whole.collections.map((collection) => [collection.name, filterOf(collection, sample, preparation)]));
  const counted = new Map(whole.collections.map(({ name, digest }) => [name, digest]));
  const collections = whole.collections.map((collection) => ({
    ...collection,
    get digest(): Digest {
      return counted.get(collection.name) ?? collection.digest;
    },
  }));
  const documents = async function* (collection: SourceCollection, ownSignal = signal): AsyncGenerator<DecodedFrame> {
    const digester = createDigester();
    for await (const frame of filtered(whole.documents(collection, ownSignal), filters.get(collection.name))) {
      digester.add(frame.bytes);
      yield frame;
    }
    counted.set(collection.name, digester.digest());
  };
  return {
    source: { ...whole, collections, documents },
    tell: () => ({
      masked: maskedFields(filters),
      emptied: emptied(whole.collections, preparation),
      ...(sample === undefined ? {} : { sampled: { ...shareOf(collections, whole.collections), complete: sample.complete } }),
    }),
  };
}

/** What becomes of a document on its way into the copy. */
interface Filter {
  readonly takes: (document: Buffer) => boolean;
  readonly masker: Masker | undefined;
}

/** `undefined`: all of it comes as it is. */
function filterOf(collection: SourceCollection, sample: Sample | undefined, { mask, untouched = [] }: Preparation): Filter | undefined {
  if (untouched.includes(collection.name)) return undefined;
  if (mask !== undefined && collection.type === 'timeseries') return { takes: () => false, masker: undefined };
  const masker = mask === undefined ? undefined : createMasker({ ...mask, key: runKey }, collection.name);
  return { takes: sample?.picksOf(collection) ?? (() => true), masker };
}

const runKey = randomBytes(32);

async function* filtered(frames: AsyncIterable<DecodedFrame>, filter: Filter | undefined): AsyncGenerator<DecodedFrame> {
  if (filter === undefined) {
    yield* frames;
    return;
  }
  for await (const { bytes } of frames) {
    const taken: Buffer[] = [];
    forEachDocument(bytes, (start, end) => {
      const document = bytes.subarray(start, end);
      if (filter.takes(document)) taken.push(filter.masker?.mask(document) ?? document);
    });
    const frame = { bytes: Buffer.concat(taken), documents: taken.length };
    memoryPool.leaseOf(bytes)?.end();
    if (taken.length > 0) yield frame;
  }
}

/** As counted until now: reading the documents again counts again. */
function maskedFields(filters: ReadonlyMap<string, Filter | undefined>): readonly MaskedField[] {
  return [...filters].flatMap(([collection, filter]) =>
    [...(filter?.masker?.counts ?? [])].map(([path, { method, values }]) => ({ collection, path, method, values })),
  );
}

function emptied(collections: readonly SourceCollection[], { mask }: Preparation): readonly string[] {
  return mask === undefined ? [] : collections.filter(({ type }) => type === 'timeseries').map(({ name }) => name);
}

function shareOf(part: readonly SourceCollection[], whole: readonly SourceCollection[]): Omit<SampledDocuments, 'complete'> {
  const count = (all: readonly SourceCollection[]): number => all.reduce((sum, { digest }) => sum + digest.documents, 0);
  return { documents: count(part), of: count(whole) };
}
