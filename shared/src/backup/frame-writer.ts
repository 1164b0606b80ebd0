import { elementOf, type DocumentRun } from '../mongo/raw-bson.ts';
import { memoryPool, type Lease } from '../mongo/memory-pool.ts';
import { valueText } from '../mongo/extended-json.ts';
import type { Budget } from './budget.ts';
import { compressFrame, longestFrame, type Compression } from './codec.ts';
import type { Frame } from './frame-table.ts';
import { hashOf } from './manifest.ts';
import { ReachChoice } from './reach.ts';
import type { StoreWriter } from './store.ts';

/** Plain bytes of a full frame, about those of one reply of the server; a larger run of documents is a frame of its own. */
export const frameBytes = 16 * 2 ** 20;
/** Longest `_id` that the frame table repeats, bytes. */
const longestId = 128;

interface FrameWriterOptions {
  readonly writer: StoreWriter;
  readonly compression: Compression;
  /** Shared by all writers of a backup: plain bytes between reading and the store. */
  readonly budget: Budget;
}

/**
 * Makes frames of runs of documents: a large run is a frame as it is, small ones are collected. Frames are compressed side by side and
 * written one after another in their order. The caller gives the bytes away with `add`, and waits for `ready` before the next run, which
 * also throws what went wrong behind its back.
 */
export class FrameWriter {
  readonly #options: FrameWriterOptions;
  readonly #frames: Frame[] = [];
  readonly #reaches = new ReachChoice();
  #waiting: (DocumentRun & { readonly lease: Lease | undefined })[] = [];
  #waitingBytes = 0;
  #offset = 0;
  #tail: Promise<void> = Promise.resolve();
  #failure: unknown;

  constructor(options: FrameWriterOptions) {
    this.#options = options;
  }

  /** `lease` is that of the memory in which the run lies; it ends when the bytes are stored, or not needed. */
  add(run: DocumentRun, lease?: Lease): void {
    if (run.documents === 0) return lease?.end();
    if (this.#waitingBytes + run.bytes.length > frameBytes) this.#seal();
    this.#waiting.push({ ...run, lease });
    this.#waitingBytes += run.bytes.length;
    if (this.#waitingBytes > frameBytes / 2) this.#seal();
  }

  /** Resolves when the next run may be added. */
  async ready(): Promise<void> {
    await this.#options.budget.room();
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Resolves when every frame is with the store. */
  async finish(): Promise<readonly Frame[]> {
    this.#seal();
    await this.#tail;
    // An empty file is no gzip file: without documents there is one empty frame, which stock tools read.
    if (this.#frames.length === 0 && this.#options.compression !== 'none') await this.#writeEmpty();
    if (this.#failure !== undefined) throw this.#failure;
    return this.#frames;
  }

  #seal(): void {
    const runs = this.#waiting;
    const [first] = runs;
    const last = runs.at(-1);
    if (first === undefined || last === undefined) return;
    this.#waiting = [];
    this.#waitingBytes = 0;
    const plain = runs.length === 1 ? first.bytes : Buffer.concat(runs.map(({ bytes }) => bytes));
    const documents = runs.reduce((sum, run) => sum + run.documents, 0);
    const described = { plain: plain.length, documents, ...idsOf(plain, plain.length - last.bytes.length + last.lastStart) };
    const { budget, compression } = this.#options;
    budget.hold(plain.length);
    const output = compression === 'none' ? undefined : memoryPool.take(longestFrame(plain.length));
    const reach = this.#reaches.next();
    const compressing = compressFrame(compression, plain, { output, reach });
    // Awaited in its turn; until then a failure must not count as unhandled.
    compressing.then(
      (stored) => this.#reaches.learn(reach, { plain: plain.length, stored: stored.length }),
      () => undefined,
    );
    const leases = [...runs.map(({ lease }) => lease), ...(output === undefined ? [] : [memoryPool.leaseOf(output)])];
    this.#tail = this.#tail
      .then(async () => this.#write(await compressing, described))
      .catch((error: unknown) => {
        this.#failure ??= error;
      })
      .finally(() => {
        for (const lease of leases) lease?.end();
        budget.release(plain.length);
      });
  }

  async #writeEmpty(): Promise<void> {
    await this.#write(await compressFrame(this.#options.compression, Buffer.alloc(0)), { plain: 0, documents: 0 });
  }

  async #write(stored: Buffer, described: Pick<Frame, 'plain' | 'documents' | 'firstId' | 'lastId'>): Promise<void> {
    if (this.#failure !== undefined) return;
    await this.#options.writer.write(stored);
    this.#frames.push({ offset: this.#offset, stored: stored.length, sha256: hashOf(stored), ...described });
    this.#offset += stored.length;
  }
}

function idsOf(plain: Buffer, lastStart: number): Pick<Frame, 'firstId' | 'lastId'> {
  const firstId = idOf(plain.subarray(0, plain.readInt32LE()));
  const lastId = idOf(plain.subarray(lastStart));
  return { ...(firstId === undefined ? {} : { firstId }), ...(lastId === undefined ? {} : { lastId }) };
}

function idOf(document: Buffer): string | undefined {
  const id = elementOf(document, '_id');
  return id === undefined || id.value.length > longestId ? undefined : valueText(id.type, id.value);
}
