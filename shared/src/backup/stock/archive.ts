import { elementOf, elementsOf, stringOf } from '../../mongo/raw-bson.ts';
import { bucketsOf } from '../../mongo/catalog.ts';
import { nameOf, type Namespace } from '../namespaces.ts';
import { ByteReader, readContent } from './byte-reader.ts';
import { Crc64 } from './crc64.ts';
import { damaged, incomplete, placed, type DumpPlace } from './dump-errors.ts';
import { oplogKey, type DumpCollection, type Portion, type ReadOptions, type StockDump } from './dump.ts';
import { parseMetadataAt } from './folder.ts';
import { accountsIn, isLeftOut } from './left-out.ts';
import { nextDocuments } from './next-documents.ts';

/** The first four bytes of an archive. Source: mongodb/mongo-tools common/archive/spec.md. */
export const archiveMagic: Buffer = Buffer.from([0x6d, 0xe2, 0x99, 0x81]);
const supportedVersion = '0.1';

/** What an archive says at its beginning of one collection. */
interface Announced {
  readonly namespace: Namespace;
  readonly definition: DumpCollection | undefined;
}

/** A file that `mongodump --archive` wrote, plain or gzip. Throws `dump/*` and `backup/store-failed`. */
export async function openArchive(location: string): Promise<StockDump> {
  const reader = new ByteReader(readContent(location));
  try {
    const announced = await readPrelude(reader, location);
    const wanted = announced.filter(({ namespace }) => namespace.database !== '' && !isLeftOut(namespace.collection));
    return {
      kind: 'archive',
      location,
      collections: wanted.flatMap(({ definition }) => (definition === undefined ? [] : [definition])),
      leftOut: announced
        .filter(({ namespace }) => namespace.database !== '' && isLeftOut(namespace.collection) && accountsIn(namespace) === undefined)
        .map(({ namespace }) => nameOf(namespace)),
      accounts: announced.flatMap(({ namespace }) => {
        const kind = accountsIn(namespace);
        return kind === undefined ? [] : [{ kind, key: nameOf(namespace) }];
      }),
      hasOplog: announced.some(({ namespace }) => isOplog(namespace)),
      read: (options) => readArchive(location, options),
    };
  } finally {
    await reader.close();
  }
}

function isOplog({ database, collection }: Namespace): boolean {
  return database === '' && collection === 'oplog';
}

async function readPrelude(reader: ByteReader, file: string): Promise<readonly Announced[]> {
  if (!(await reader.hold(4)) || !reader.take(4).equals(archiveMagic))
    throw damaged({ file, offset: 0 }, 'this is no archive of mongodump');
  const header = await oneDocument(reader, file, 'the header');
  const version = textIn(header.bytes, 'version', header.place);
  if (version !== supportedVersion) throw damaged(header.place, `the archive has the unknown version ${JSON.stringify(version)}`);
  const announced: Announced[] = [];
  for (;;) {
    const place = { file, offset: reader.offset };
    const next = await nextDocuments(reader, file, 1);
    if (next === 'end') throw incomplete(place, 'the archive ends before its first collection');
    if (next === 'terminator') break;
    announced.push(announcedIn(next.bytes, place));
  }
  reader.take(4);
  return announced;
}

function announcedIn(bytes: Buffer, place: DumpPlace): Announced {
  const namespace = { database: textIn(bytes, 'db', place), collection: textIn(bytes, 'collection', place) };
  if (namespace.database === '' || isLeftOut(namespace.collection)) return { namespace, definition: undefined };
  const definition = parseMetadataAt(place, textIn(bytes, 'metadata', place), namespace);
  return { namespace, definition: { ...definition, name: namespace.collection } };
}

/** A collection whose blocks are read. */
interface Receiving {
  readonly key: string;
  readonly crc: Crc64;
  finished: boolean;
}

async function* readArchive(file: string, { only, signal }: ReadOptions): AsyncGenerator<Portion, void, undefined> {
  yield* readArchiveStream(readContent(file, signal), file, { only, signal });
}

export interface StreamOptions extends ReadOptions {
  /** Called when all documents of a collection have come. */
  readonly ended?: (key: string) => void;
}

/** The documents of an archive that comes as a stream; `file` is what errors call it. Throws `dump/*`, and what the stream throws. */
export async function* readArchiveStream(
  chunks: AsyncIterable<Buffer>,
  file: string,
  { only, signal, ended }: StreamOptions,
): AsyncGenerator<Portion, void, undefined> {
  const reader = new ByteReader(chunks);
  try {
    const receiving = receivers(await readPrelude(reader, file));
    for (;;) {
      const place = { file, offset: reader.offset };
      signal?.throwIfAborted();
      const next = await nextDocuments(reader, file, 1);
      if (next === 'end') break;
      if (next === 'terminator') throw damaged(place, 'two terminators follow each other');
      const header = blockHeader(next.bytes, place);
      const into = receiving.get(header.name);
      if (into === undefined) throw damaged(place, `a block belongs to ${header.name}, which the archive does not announce`);
      if (into.finished) throw damaged(place, `a block belongs to ${header.name}, which has ended`);
      for await (const portion of blockDocuments(reader, file, into)) if (only === undefined || only === into.key) yield portion;
      if (!header.last) continue;
      if (reader.offset !== place.offset + next.bytes.length + 4) throw damaged(place, `documents follow the end of ${header.name}`);
      if (header.crc !== into.crc.value()) throw damaged(place, `the checksum of ${header.name} is wrong: its documents were changed`);
      into.finished = true;
      ended?.(into.key);
    }
    const missing = [...new Set(receiving.values())].filter(({ finished }) => !finished).map(({ key }) => key || 'the oplog');
    if (missing.length > 0) throw incomplete({ file, offset: reader.offset }, `the archive ends before the end of ${missing.join(', ')}`);
  } finally {
    await reader.close();
  }
}

/** By the names that blocks use. Documents of a time series come under the name of its buckets, from servers since 8.3 under its own. */
function receivers(announced: readonly Announced[]): ReadonlyMap<string, Receiving> {
  const all = new Map<string, Receiving>();
  for (const { namespace, definition } of announced) {
    const receiving = { key: isOplog(namespace) ? oplogKey : nameOf(namespace), crc: new Crc64(), finished: false };
    all.set(nameOf(namespace), receiving);
    if (definition?.type === 'timeseries') all.set(nameOf({ ...namespace, collection: bucketsOf(namespace.collection) }), receiving);
  }
  return all;
}

interface BlockHeader {
  readonly name: string;
  readonly last: boolean;
  readonly crc: bigint;
}

function blockHeader(bytes: Buffer, place: DumpPlace): BlockHeader {
  const known = new Map([
    ['db', 0x02],
    ['collection', 0x02],
    ['EOF', 0x08],
    ['CRC', 0x12],
  ]);
  try {
    for (const { name, type } of elementsOf(bytes))
      if (known.get(name) !== type) throw damaged(place, `the header of a block holds the unknown member ${JSON.stringify(name)}`);
    return {
      name: nameOf({ database: textIn(bytes, 'db', place), collection: textIn(bytes, 'collection', place) }),
      last: elementOf(bytes, 'EOF')?.value[0] === 1,
      crc: elementOf(bytes, 'CRC')?.value.readBigInt64LE() ?? 0n,
    };
  } catch (error) {
    throw placed(error, place);
  }
}

/** The documents of a block, and the terminator behind them. */
async function* blockDocuments(reader: ByteReader, file: string, { key, crc }: Receiving): AsyncGenerator<Portion, void, undefined> {
  for (;;) {
    const place = { file, offset: reader.offset };
    const next = await nextDocuments(reader, file);
    if (next === 'end') throw incomplete(place, 'the archive ends inside of a block');
    if (next === 'terminator') break;
    crc.update(next.bytes);
    yield { ...next, key, place };
  }
  reader.take(4);
}

async function oneDocument(reader: ByteReader, file: string, what: string): Promise<{ readonly bytes: Buffer; readonly place: DumpPlace }> {
  const place = { file, offset: reader.offset };
  const next = await nextDocuments(reader, file, 1);
  if (next === 'end' || next === 'terminator') throw incomplete(place, `${what} of the archive is missing`);
  return { bytes: next.bytes, place };
}

function textIn(bytes: Buffer, name: string, place: DumpPlace): string {
  try {
    const element = elementOf(bytes, name);
    if (element?.type === 0x02) return stringOf(element.value);
  } catch (error) {
    throw placed(error, place);
  }
  throw damaged(place, `a header of the archive has no text ${name}`);
}
