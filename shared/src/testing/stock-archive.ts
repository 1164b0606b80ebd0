import { BSON } from 'mongodb';

/** One block of an archive, or the end of a namespace when it has a `crc`. */
export interface ArchiveBlock {
  readonly db: string;
  readonly collection: string;
  readonly documents?: readonly object[];
  readonly crc?: bigint;
}

const terminator = Buffer.alloc(4, 0xff);
const magic = Buffer.from([0x6d, 0xe2, 0x99, 0x81]);
const bson = (value: object): Buffer => Buffer.from(BSON.serialize(value));

/** The bytes of an archive as `mongodump --archive` writes it. */
export function stockArchive(
  announced: readonly { readonly db: string; readonly collection: string; readonly metadata?: string }[],
  blocks: readonly ArchiveBlock[],
): Buffer {
  const header = { concurrent_collections: 4, version: '0.1', server_version: '6.0.5', tool_version: '100.12.0' };
  const prelude = announced.map((one) => bson({ metadata: '', ...one, size: 0, type: 'collection' }));
  return Buffer.concat([magic, bson(header), ...prelude, terminator, ...blocks.flatMap((block) => [...blockBytes(block), terminator])]);
}

function blockBytes({ db, collection, documents = [], crc }: ArchiveBlock): readonly Buffer[] {
  const header = { db, collection, EOF: crc !== undefined, CRC: BSON.Long.fromBigInt(crc ?? 0n) };
  return [bson(header), ...documents.map(bson)];
}
