import { inParallel } from '../in-parallel.ts';
import { nameOf } from '../namespaces.ts';
import { leastShare, loadingWidth, type RestoreSource, type SourceCollection } from '../restore-source.ts';
import type { ReadOptions, StockDump } from './dump.ts';
import { Handover } from './handover.ts';

const keyOf = ({ database, name }: SourceCollection): string => nameOf({ database, collection: name });

/** Collections of a dump as a source: every file of a folder by itself, and an archive in one pass that feeds all collections at once. */
export function dumpSource(dump: StockDump, collections: readonly SourceCollection[]): RestoreSource {
  const id = dump.location;
  const leastBytes = ({ digest }: SourceCollection): number => digest.bytes / leastShare;
  if (dump.kind === 'folder')
    return {
      id,
      collections,
      leastBytes,
      documents: (collection, signal) => documentsOf(dump, collection, signal),
      loadAll: (items, work) => inParallel(items, loadingWidth, work),
    };
  const handovers = new Map<string, Handover>();
  return {
    id,
    collections,
    leastBytes,
    documents(collection, signal) {
      const key = keyOf(collection);
      const handover = handovers.get(key);
      handovers.delete(key);
      // A second reading, of a time series that takes its name for example, is a pass of its own.
      return handover ?? documentsOf(dump, collection, signal);
    },
    async loadAll(items, work, signal) {
      const opened = new Map(items.filter(({ source }) => source.type !== 'view').map(({ source }) => [keyOf(source), new Handover()]));
      for (const [key, handover] of opened) handovers.set(key, handover);
      const failures: unknown[] = [];
      const stop = (failure: unknown): void => {
        failures.push(failure);
        for (const handover of opened.values()) handover.fail(failure);
      };
      const pass = distribute(dump, opened, { signal }).catch(stop);
      await inParallel(items, items.length, async (item) => {
        await work(item).catch(stop);
        opened.get(keyOf(item.source))?.end();
      });
      await pass;
      if (failures.length > 0) throw failures[0];
    },
  };
}

async function* documentsOf(dump: StockDump, collection: SourceCollection, signal: AbortSignal | undefined): ReturnType<StockDump['read']> {
  if (collection.type !== 'view') yield* dump.read({ only: keyOf(collection), signal });
}

async function distribute(dump: StockDump, handovers: ReadonlyMap<string, Handover>, options: ReadOptions): Promise<void> {
  for await (const portion of dump.read(options)) await handovers.get(portion.key)?.put(portion);
  for (const handover of handovers.values()) handover.end();
}
