import type { Log } from '../../log/log.ts';
import { startProgress } from '../../log/progress.ts';
import { addDigests, createDigester, emptyDigest, type Digest, type Digester } from '../../mongo/digest.ts';
import { elementOf } from '../../mongo/raw-bson.ts';
import { validateDocument } from '../../mongo/validate-bson.ts';
import { nameOf } from '../namespaces.ts';
import { placed, unsupported, type DumpPlace } from './dump-errors.ts';
import { oplogKey, type DumpCollection, type Portion, type StockDump } from './dump.ts';
import { checkEntry, type OplogSummary } from './oplog-check.ts';

/** A collection of a dump; a view has the digest of nothing. */
export interface SurveyedCollection extends DumpCollection {
  readonly digest: Digest;
}

/** What a dump holds, every byte of it read and checked. */
export interface Survey {
  readonly collections: readonly SurveyedCollection[];
  /** Sum over all collections. */
  readonly digest: Digest;
  readonly oplog: OplogSummary;
}

export interface SurveyOptions {
  readonly log: Log;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads a dump from end to end before anything is done with it: structure, checksums of an archive, every element of every document, and
 * every entry of the oplog. Throws `dump/damaged`, `dump/incomplete` and `dump/unsupported`, with file and offset.
 */
export async function surveyDump(dump: StockDump, { log, signal }: SurveyOptions): Promise<Survey> {
  const digesters = new Map<string, Digester>();
  const oplog = { entries: 0, namespaces: new Set<string>() };
  const progress = startProgress({ log, doing: 'Checking' });
  let nameless: { readonly place: DumpPlace; readonly key: string } | undefined;
  for await (const portion of dump.read({ signal })) {
    signal?.throwIfAborted();
    const digester = digesters.get(portion.key) ?? createDigester();
    digesters.set(portion.key, digester);
    checkPortion(portion, (document, offset) => {
      const place = { ...portion.place, offset };
      if (portion.key === oplogKey) checkEntry(document, place, oplog);
      else if (nameless === undefined && elementOf(document, '_id') === undefined) nameless = { place, key: portion.key };
    });
    digester.add(portion.bytes);
    progress.add(portion.documents, portion.bytes.length);
  }
  // Said last: bytes that are no BSON may look like a document without _id.
  if (nameless !== undefined) throw unsupported(nameless.place, `a document of ${nameless.key} has no _id, and a server would give it one`);
  const collections = dump.collections.map((collection) => {
    const key = nameOf({ database: collection.database, collection: collection.name });
    return { ...collection, digest: digesters.get(key)?.digest() ?? emptyDigest };
  });
  log.info(`Checked ${progress.summary()} of ${dump.location}`);
  return { collections, digest: collections.reduce((sum, { digest }) => addDigests(sum, digest), emptyDigest), oplog };
}

/** Calls `visit` with every document and its offset in the file, once it is known to be valid. */
function checkPortion({ bytes, place }: Portion, visit: (document: Buffer, offset: number) => void): void {
  let position = 0;
  try {
    while (position < bytes.length) {
      const end = validateDocument(bytes, position);
      visit(bytes.subarray(position, end), place.offset + position);
      position = end;
    }
  } catch (error) {
    throw placed(error, place);
  }
}
