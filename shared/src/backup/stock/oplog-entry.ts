import { elementOf, elementsOf, rawDocument, stringOf, type RawElement } from '../../mongo/raw-bson.ts';
import { damaged, unsupported, type DumpPlace } from './dump-errors.ts';

/** Which collection an entry writes to. */
interface Written {
  readonly namespace: string;
  /** Of the collection, 32 hex digits: another one of the same name has another one. */
  readonly uuid: string | undefined;
}

/** What an entry of the oplog does. Documents are raw. */
export type Operation =
  | (Written & { readonly kind: 'insert'; readonly document: Buffer })
  | (Written & { readonly kind: 'delete'; readonly id: RawElement })
  | (Written & { readonly kind: 'update'; readonly entry: Buffer })
  | { readonly kind: 'command'; readonly database: string; readonly name: string; readonly body: Buffer }
  | { readonly kind: 'several'; readonly entries: readonly Buffer[] }
  | { readonly kind: 'nothing' };

/** The part that an entry has in a transaction. `whole`: its operations are all there are, or the last ones. */
export interface TransactionPart {
  readonly id: string;
  readonly part: 'some' | 'whole' | 'commit' | 'abort';
}

export interface OplogEntry {
  readonly operation: Operation;
  readonly transaction: TransactionPart | undefined;
}

const nothing: OplogEntry = { operation: { kind: 'nothing' }, transaction: undefined };
/** Entries without an effect on documents. Source: mongodb/mongo-tools mongorestore/oplog.go. */
const ignoredKinds = new Set(['n', 'km', 'ci', 'cu', 'cd']);
const ignoredCommands = new Set(['startIndexBuild', 'abortIndexBuild', 'setMultikeyMetadata', 'dropIdent', 'dbCheck']);
/** Databases that belong to the server on which the dump was taken. */
const ignoredDatabase = /^(admin|config|local|__mdb_internal[^.]*)\./;

/** Reads an entry. `place` is said in errors. Throws `dump/damaged` and `dump/unsupported`. */
export function parseEntry(entry: Buffer, place: DumpPlace): OplogEntry {
  const members = new Map([...elementsOf(entry)].map((element) => [element.name, element]));
  const kind = textOf(members.get('op'));
  const namespace = textOf(members.get('ns'));
  const body = members.get('o');
  if (kind !== undefined && ignoredKinds.has(kind)) return nothing;
  if (kind === undefined || namespace === undefined || body?.type !== 0x03) throw damaged(place, 'this is no entry of an oplog');
  if (kind === 'c') return command(members, body.value, namespace);
  if (isIgnored(namespace)) return nothing;
  const written = { namespace, uuid: members.get('ui')?.value.toString('hex', 5) };
  switch (kind) {
    case 'i':
      return { operation: { kind: 'insert', ...written, document: body.value }, transaction: undefined };
    case 'd':
      return { operation: { kind: 'delete', ...written, id: idOf(body.value, place) }, transaction: undefined };
    case 'u':
      return { operation: { kind: 'update', ...written, entry: replayable(members) }, transaction: undefined };
    default:
      throw unsupported(place, `the oplog holds an operation of the unknown kind ${JSON.stringify(kind)}`);
  }
}

function idOf(document: Buffer, place: DumpPlace): RawElement {
  const id = elementOf(document, '_id');
  if (id === undefined) throw damaged(place, 'an operation does not say which document it means');
  return id;
}

function isIgnored(namespace: string): boolean {
  if (ignoredDatabase.test(namespace)) return true;
  const collection = namespace.slice(namespace.indexOf('.') + 1);
  return collection.startsWith('system.') && !/^system\.(js$|views$|buckets\.)/.test(collection);
}

function command(members: ReadonlyMap<string, RawElement>, body: Buffer, namespace: string): OplogEntry {
  const [first] = elementsOf(body);
  const name = first?.name ?? '';
  if (ignoredCommands.has(name)) return nothing;
  const transaction = transactionOf(members, body, name);
  if (name === 'applyOps') return { operation: { kind: 'several', entries: entriesOf(body) }, transaction };
  if (name === 'commitTransaction' || name === 'abortTransaction') return { operation: nothing.operation, transaction };
  if (ignoredDatabase.test(namespace)) return nothing;
  return { operation: { kind: 'command', database: namespace.slice(0, namespace.indexOf('.')), name, body }, transaction: undefined };
}

/** Source: mongodb/mongo-tools common/txn/meta.go. */
function transactionOf(members: ReadonlyMap<string, RawElement>, body: Buffer, name: string): TransactionPart | undefined {
  const session = members.get('lsid');
  const number = members.get('txnNumber');
  if (session === undefined || number === undefined) return undefined;
  // Inserts that were sent together and may be retried look like a transaction, but are none.
  if (members.get('multiOpType')?.value.readInt32LE() === 1) return undefined;
  const id = `${session.value.toString('hex')}-${number.value.toString('hex')}`;
  if (name === 'commitTransaction') return { id, part: 'commit' };
  if (name === 'abortTransaction') return { id, part: 'abort' };
  if (name !== 'applyOps') return undefined;
  const isPart = elementOf(body, 'partialTxn') !== undefined || elementOf(body, 'prepare') !== undefined;
  return { id, part: isPart ? 'some' : 'whole' };
}

function entriesOf(body: Buffer): readonly Buffer[] {
  const list = elementOf(body, 'applyOps');
  return list?.type === 0x04 ? [...elementsOf(list.value)].map(({ value }) => value) : [];
}

/** Only what `applyOps` needs: without the identity of the collection, which is another one after a restore. */
function replayable(members: ReadonlyMap<string, RawElement>): Buffer {
  return rawDocument(['op', 'ns', 'o', 'o2'].flatMap((name) => members.get(name) ?? []));
}

function textOf(element: RawElement | undefined): string | undefined {
  return element?.type === 0x02 ? stringOf(element.value) : undefined;
}
