import { elementOf, elementsOf, forEachElement, stringOf } from '../../mongo/raw-bson.ts';

/** One event of a change stream. Buffers are views of the event: copy what is kept. */
export interface ChangeEvent {
  /** As the server says it: `insert`, `update`, `replace`, `delete`, `create`, `drop`, `rename`, `createIndexes` … */
  readonly kind: string;
  readonly time: bigint;
  readonly collection: string;
  /** 32 hex digits; empty where the server says none (views). */
  readonly uuid: string;
  /** The `_id` with its BSON type byte in front, a copy. */
  readonly key: Buffer | undefined;
  /** The document before, where the server kept it. */
  readonly before: Buffer | undefined;
  /** The document after an insert or a replace. */
  readonly after: Buffer | undefined;
  /** `updateDescription` of an update. */
  readonly update: Buffer | undefined;
  /** `operationDescription` of a change of definitions. */
  readonly definition: Buffer | undefined;
  /** New name after a rename. */
  readonly to: string | undefined;
  /** Id of the session of a transaction, 32 hex digits. */
  readonly session: string | undefined;
}

type Draft = { -readonly [Key in keyof ChangeEvent]: ChangeEvent[Key] };

const documentType = 0x03;

/** Reads an event. Throws `InvalidBson`. */
export function readEvent(event: Buffer): ChangeEvent {
  const draft: Draft = {
    kind: '',
    time: 0n,
    collection: '',
    uuid: '',
    key: undefined,
    before: undefined,
    after: undefined,
    update: undefined,
    definition: undefined,
    to: undefined,
    session: undefined,
  };
  forEachElement(event, ({ name, type, value }) => {
    if (name === 'operationType') draft.kind = stringOf(value);
    else if (name === 'clusterTime') draft.time = value.readBigUInt64LE();
    else if (name === 'collectionUUID') draft.uuid = value.toString('hex', 5);
    else if (type === documentType) readDocument(draft, name, value);
  });
  return draft;
}

function readDocument(draft: Draft, name: string, value: Buffer): void {
  switch (name) {
    case 'ns':
      draft.collection = textIn(value, 'coll');
      return;
    case 'to':
      draft.to = textIn(value, 'coll');
      return;
    case 'documentKey':
      draft.key = keyIn(value);
      return;
    case 'fullDocumentBeforeChange':
      draft.before = value;
      return;
    case 'fullDocument':
      draft.after = value;
      return;
    case 'updateDescription':
      draft.update = value;
      return;
    case 'operationDescription':
      draft.definition = value;
      return;
    case 'lsid':
      draft.session = sessionIn(value);
      return;
    default:
  }
}

/** A copy of the `_id` of a document with its BSON type byte in front. */
export function keyIn(document: Buffer): Buffer | undefined {
  const id = elementOf(document, '_id');
  if (id === undefined) return undefined;
  const key = Buffer.allocUnsafe(1 + id.value.length);
  key[0] = id.type;
  id.value.copy(key, 1);
  return key;
}

function textIn(document: Buffer, wanted: string): string {
  for (const { name, value } of elementsOf(document)) if (name === wanted) return stringOf(value);
  return '';
}

function sessionIn(document: Buffer): string | undefined {
  for (const { name, value } of elementsOf(document)) if (name === 'id') return value.toString('hex', 5);
  return undefined;
}
