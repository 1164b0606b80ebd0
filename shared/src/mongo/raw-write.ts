import { BSON, type Document, type MongoClient, type Timestamp } from 'mongodb';
import { DocumentSequence, OpMsgRequest } from 'mongodb/lib/cmap/commands.js';
import { GuardError } from '../errors/guard-error.ts';
import { fromMongoError } from '../errors/mongo-errors.ts';
import { forEachDocument } from './raw-bson.ts';

/** Documents one after another, to be inserted in one command. */
export interface RawBatch {
  readonly database: string;
  readonly collection: string;
  readonly documents: Buffer;
  /** How many there are, at most 100,000 (`maxBatchDocuments`). */
  readonly count: number;
  /** Whether they must arrive in their order. */
  readonly ordered: boolean;
  /** Whether validators are passed by; buckets of time series must be validated. */
  readonly bypassValidation: boolean;
}

/** Most documents in one insert command. Source: maxWriteBatchSize in the server's hello. */
export const maxBatchDocuments = 100_000;

export interface RawInserter {
  /** `sequence` sends bytes as they are; `objects` is the safe way when the driver's inside is not what it was. */
  readonly way: 'sequence' | 'objects';
  /** Whether a Timestamp(0,0) at the top level stays what it is; older servers put their own time there. */
  readonly keepsEmptyTimestamps: boolean;
  /**
   * Inserts a batch and returns the server's time after it. Throws `restore/refused` unless every document went in, and the errors of
   * `fromMongoError`.
   */
  insert(batch: RawBatch): Promise<Timestamp | undefined>;
}

/** `serverVersion` decides whether Timestamp(0,0) can be kept as it is. */
export function rawInserter(client: MongoClient, serverVersion: string, way: RawInserter['way'] = provenWay()): RawInserter {
  const keeps = keepsEmptyTimestamps(serverVersion);
  const options = keeps ? { bypassEmptyTsReplacement: true } : {};
  return {
    way,
    keepsEmptyTimestamps: keeps,
    async insert(batch) {
      const documents = way === 'sequence' ? sequenceOf(batch.documents) : objectsOf(batch);
      const command = {
        insert: batch.collection,
        ordered: batch.ordered,
        ...(batch.bypassValidation ? { bypassDocumentValidation: true } : {}),
        ...options,
        writeConcern: { w: 1 },
        documents,
      };
      return checked(batch, await run(client, batch, command));
    },
  };
}

async function run(client: MongoClient, { database, collection }: RawBatch, command: Document): Promise<Document> {
  try {
    return await client.db(database).command(command);
  } catch (error) {
    throw fromMongoError(error, `Inserting into ${database}.${collection}`);
  }
}

/** `db.command` throws neither for documents that were refused nor for a write concern that was missed. */
function checked({ database, collection, count }: RawBatch, reply: Document): Timestamp | undefined {
  const refused = (reply['writeErrors'] as readonly { code?: number }[] | undefined) ?? [];
  const concern = reply['writeConcernError'] as { code?: number } | undefined;
  if (reply['n'] === count && refused.length === 0 && concern === undefined) return reply['operationTime'] as Timestamp | undefined;
  const code = refused[0]?.code ?? concern?.code;
  throw new GuardError(
    'restore/refused',
    `The server took ${reply['n']} of ${count} documents for ${database}.${collection}${code === undefined ? '' : ` (server error ${code})`}.`,
    { cause: { code } },
  );
}

/** Servers from 8.0, 7.0.13 and 6.0.17 do when they are told to. Source: mongodb/mongo-tools mongorestore/restore.go. */
function keepsEmptyTimestamps(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  const since: Readonly<Record<number, number>> = { 5: 29, 6: 17, 7: 13 };
  return major >= 8 || (minor === 0 && patch >= (since[major] ?? Infinity));
}

function sequenceOf(documents: Buffer): DocumentSequence {
  const sequence = new DocumentSequence('documents');
  // One push of many documents: the section is length, name and bytes, so the result is the same as of one push for each.
  sequence.push({}, documents);
  return sequence;
}

/** Objects with every BSON type kept apart. A document that does not come back to its own bytes is refused rather than changed. */
function objectsOf({ documents, database, collection }: RawBatch): readonly Document[] {
  const objects: Document[] = [];
  forEachDocument(documents, (start, end) => {
    const raw = documents.subarray(start, end);
    const object = BSON.deserialize(raw, { promoteValues: false, bsonRegExp: true, validation: { utf8: false } });
    if (!raw.equals(BSON.serialize(object)))
      throw new GuardError('restore/refused', `A document of ${database}.${collection} cannot be sent without a change.`);
    objects.push(object);
  });
  return objects;
}

/** Proves with two documents that the driver sends the bytes that it is given. */
function provenWay(): RawInserter['way'] {
  const documents = Buffer.concat([BSON.serialize({ _id: 1 }), BSON.serialize({ _id: 2, a: 'b' })]);
  const size = Buffer.alloc(4);
  size.writeInt32LE(4 + 'documents\0'.length + documents.length);
  const expected = Buffer.concat([Buffer.from([1]), size, Buffer.from('documents\0'), documents]);
  try {
    const message = Buffer.concat(new OpMsgRequest('a', { insert: 'b', documents: sequenceOf(documents) }, {}).toBin());
    return message.includes(expected) ? 'sequence' : 'objects';
  } catch {
    return 'objects';
  }
}
