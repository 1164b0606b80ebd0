import { BSON } from 'mongodb';
import type { Namespace } from '../namespaces.ts';
import { archiveMagic } from './archive.ts';
import { Crc64 } from './crc64.ts';

const terminator = Buffer.alloc(4, 0xff);
const bson = (value: object): Buffer => Buffer.from(BSON.serialize(value));

/** What an archive says of a collection before any documents come. */
export interface ArchiveEntry extends Namespace {
  readonly type: 'collection' | 'view' | 'timeseries';
  /** The text of its `.metadata.json`. */
  readonly metadata: string;
  /** The collection whose documents come; a time series gives those of its buckets. */
  readonly source: string;
  /** Whole documents, one after another, in pieces; none for a view. */
  readonly documents: () => AsyncIterable<{ readonly bytes: Buffer }>;
}

export interface ArchiveVersions {
  readonly server: string;
  readonly tool: string;
}

/**
 * The bytes of an archive as `mongodump --archive` writes it, one collection after another. Source: mongodb/mongo-tools
 * common/archive/spec.md.
 */
export async function* writeArchive(entries: readonly ArchiveEntry[], { server, tool }: ArchiveVersions): AsyncGenerator<Buffer, void> {
  yield archiveMagic;
  yield bson({ concurrent_collections: 1, version: '0.1', server_version: server, tool_version: tool });
  for (const { database, collection, metadata, type } of entries) yield bson({ db: database, collection, metadata, size: 0, type });
  yield terminator;
  for (const { database, source, documents } of entries) {
    const crc = new Crc64();
    const header = { db: database, collection: source };
    for await (const { bytes } of documents()) {
      crc.update(bytes);
      yield bson({ ...header, EOF: false, CRC: BSON.Long.ZERO });
      yield bytes;
      yield terminator;
    }
    yield bson({ ...header, EOF: true, CRC: BSON.Long.fromBigInt(crc.value()) });
    yield terminator;
  }
}
