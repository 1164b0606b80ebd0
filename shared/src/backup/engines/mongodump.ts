import { GuardError } from '../../errors/guard-error.ts';
import type { DumpOptions } from '../dump-collection.ts';
import type { ManifestCollection } from '../manifest.ts';
import { nameOf } from '../namespaces.ts';
import type { PlannedCollection } from '../planned-collection.ts';
import { readArchiveStream } from '../stock/archive.ts';
import { Handover } from '../stock/handover.ts';
import type { DumpEngine } from './dump-engine.ts';
import { keepCollection } from './keep-collection.ts';
import { openTool, type MongoTool, type ToolAccess } from './mongo-tools.ts';

/**
 * Stock mongodump as a reader: its archive comes through a pipe, so nothing is staged on disk, and becomes the frames of our own layout
 * with the digest of every collection. Throws `engine/not-found`, `engine/failed`.
 */
export async function mongodumpEngine(access: ToolAccess): Promise<DumpEngine> {
  const tool = await openTool('mongodump', access);
  return {
    name: tool.name,
    version: tool.version,
    async dumpAll(options, planned) {
      const done = new Map<PlannedCollection, ManifestCollection>();
      for (const [database, group] of Map.groupBy(planned, (one) => one.database)) {
        const names = await namesIn(options, database);
        const left = names.filter((name) => !group.some(({ entry }) => entry.name === name));
        for (const [one, written] of await dumpDatabase(tool, options, { database, group, left })) done.set(one, written);
      }
      return planned.flatMap((one) => done.get(one) ?? []);
    },
  };
}

/** Everything that mongodump would take of a database. */
async function namesIn({ client }: DumpOptions, database: string): Promise<readonly string[]> {
  const listed = await client.db(database).listCollections({}, { nameOnly: true }).toArray();
  return listed.map(({ name }) => name).filter((name) => !name.startsWith('system.') || name === 'system.js');
}

interface DatabaseDump {
  readonly database: string;
  readonly group: readonly PlannedCollection[];
  readonly left: readonly string[];
}

async function dumpDatabase(
  tool: MongoTool,
  options: DumpOptions,
  { database, group, left }: DatabaseDump,
): Promise<ReadonlyMap<PlannedCollection, ManifestCollection>> {
  const program = await tool.start(['--archive', `--db=${database}`, ...left.map((name) => `--excludeCollection=${name}`)]);
  const writing = new Writing(options, group);
  try {
    await distribute(program.stdout, writing, options.signal);
  } catch (error) {
    writing.fail(error);
    // When it has ended, its own failure is why its archive is cut off.
    if (program.stdout.readableEnded) await program.ended;
    program.stop();
    program.stdout.destroy();
    await program.ended.catch(() => undefined);
    options.signal?.throwIfAborted();
    throw error;
  } finally {
    await writing.settled();
  }
  await program.ended;
  return writing.result();
}

/** Feeds every collection with its documents as the archive brings them. Throws as `readArchiveStream`, and what a writer throws. */
async function distribute(archive: AsyncIterable<Buffer>, writing: Writing, signal: AbortSignal | undefined): Promise<void> {
  const ended = (key: string): void => writing.end(key);
  for await (const portion of readArchiveStream(archive, 'the archive of mongodump', { signal, ended }))
    await writing.put(portion.key, portion);
  await writing.finish();
}

/** The collections of one database while they are written: each begins with its first documents, so few files are open at a time. */
class Writing {
  readonly #options: DumpOptions;
  readonly #planned: ReadonlyMap<string, PlannedCollection>;
  readonly #open = new Map<string, Handover>();
  readonly #results = new Map<PlannedCollection, Promise<ManifestCollection>>();
  #failure: { readonly error: unknown } | undefined;

  constructor(options: DumpOptions, planned: readonly PlannedCollection[]) {
    this.#options = options;
    this.#planned = new Map(planned.map((one) => [nameOf({ database: one.database, collection: one.entry.name }), one]));
  }

  async put(key: string, frame: Parameters<Handover['put']>[0]): Promise<void> {
    await this.#begin(key).put(frame);
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  end(key: string): void {
    if (this.#planned.get(key)?.source !== undefined) this.#begin(key).end();
  }

  /** Writes what has no documents of its own, and waits for all. Throws `engine/failed` when a collection did not come. */
  async finish(): Promise<void> {
    for (const [key, planned] of this.#planned) {
      if (planned.source === undefined) this.#results.set(planned, this.#write(planned));
      else if (!this.#results.has(planned)) throw new GuardError('engine/failed', `mongodump did not give the collection ${key}.`);
    }
    await Promise.all(this.#results.values());
  }

  fail(error: unknown): void {
    for (const handover of this.#open.values()) handover.fail(error);
  }

  /** Resolves when no file is being written any more. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#results.values());
  }

  async result(): Promise<ReadonlyMap<PlannedCollection, ManifestCollection>> {
    const written = new Map<PlannedCollection, ManifestCollection>();
    for (const [planned, result] of this.#results) written.set(planned, await result);
    return written;
  }

  #begin(key: string): Handover {
    const known = this.#open.get(key);
    if (known !== undefined) return known;
    const planned = this.#planned.get(key);
    if (planned === undefined) throw new GuardError('engine/failed', `mongodump gave the collection ${key}, which was not asked for.`);
    const documents = new Handover();
    this.#open.set(key, documents);
    const result = this.#write(planned, documents);
    // Looked at when all have ended; until then a failure must not count as unhandled.
    result.catch(() => undefined);
    this.#results.set(planned, result);
    return documents;
  }

  async #write(planned: PlannedCollection, documents?: Handover): Promise<ManifestCollection> {
    try {
      return await keepCollection(this.#options, planned, documents);
    } catch (error) {
      this.#failure ??= { error };
      documents?.end();
      throw error;
    }
  }
}
