import { DocumentSequence, type OpMsgRequest } from 'mongodb/lib/cmap/commands.js';

/** Documents from this length on are large, bytes. */
const largeBytes = 2 ** 18;

/** A message in two parts, one to be sent after the other. */
export interface MessageParts {
  readonly head: Buffer;
  readonly documents: Uint8Array;
}

/**
 * A message that ends with a large run of documents, without a copy of these; `undefined` for every other one. The sequence is taken out of the
 * message's command, as the driver does when it makes bytes of it.
 */
export function apartOf(message: OpMsgRequest): MessageParts | undefined {
  const sequences = Object.entries(message.command).filter(
    (entry): entry is [string, DocumentSequence] => entry[1] instanceof DocumentSequence,
  );
  const [only] = sequences;
  if (only === undefined || sequences.length > 1) return undefined;
  const [field, { chunks }] = only;
  const [sectionHead, documents] = chunks;
  if (chunks.length > 2 || sectionHead === undefined || documents === undefined || documents.length < largeBytes) return undefined;
  delete message.command[field];
  const head = Buffer.concat([...message.toBin(), sectionHead]);
  head.writeInt32LE(head.length + documents.length);
  return { head, documents };
}
