import { documentEnd, largestDocument, smallestDocument } from '../../mongo/raw-bson.ts';
import type { DecodedFrame } from '../frame-reader.ts';
import type { ByteReader } from './byte-reader.ts';
import { damaged, incomplete, placed, type DumpPlace } from './dump-errors.ts';

/** Most bytes that are handed on at once, unless one document is larger. */
const portionBytes = 2 ** 20;
/** An oplog entry may be as large as a document and what is said about it. Source: mongodb/mongo-tools mongorestore/oplog.go. */
const largestEntry = largestDocument + 16 * 2 ** 10;
/** What stands in an archive where a document could begin. */
const terminator = -1;

/**
 * The next whole documents, at most `most`; `end` at the end of the stream, and `terminator` in front of the mark by which an archive ends
 * a run of documents. Throws `dump/incomplete` when the stream ends inside of a document and `dump/damaged` when there is none.
 */
export async function nextDocuments(
  reader: ByteReader,
  file: string,
  most: number = Infinity,
): Promise<DecodedFrame | 'end' | 'terminator'> {
  const place: DumpPlace = { file, offset: reader.offset };
  if (!(await reader.hold(4))) {
    if (reader.held.length === 0) return 'end';
    throw incomplete(place, 'the file ends inside of a document');
  }
  const length = reader.held.readInt32LE();
  if (length === terminator) return 'terminator';
  if (length < smallestDocument || length > largestEntry) throw damaged(place, `a document has the length ${length}`);
  if (!(await reader.hold(length))) throw incomplete(place, 'the file ends inside of a document');
  try {
    let end = documentEnd(reader.held, 0);
    let documents = 1;
    while (documents < most && end < portionBytes && holdsDocument(reader.held, end)) {
      end = documentEnd(reader.held, end);
      documents++;
    }
    return { bytes: reader.take(end), documents };
  } catch (error) {
    throw placed(error, place);
  }
}

/** Whether a whole document can lie at `start`; what else lies there is for the next call. */
function holdsDocument(bytes: Buffer, start: number): boolean {
  if (start + smallestDocument > bytes.length) return false;
  const length = bytes.readInt32LE(start);
  return length >= smallestDocument && start + length <= bytes.length && bytes[start + length - 1] === 0;
}
