import { elementsOf, rawDocument, stringOf, type RawElement } from '../../mongo/raw-bson.ts';
import { nameOf, type Namespace } from '../namespaces.ts';

/** Commands after which a collection is another one, although nobody dropped or created it. */
const moving = new Set(['renameCollection', 'convertToCapped', 'emptycapped', 'importCollection']);

/**
 * Picks the entries that belong to the collections of a backup. Of transactions that wrote elsewhere too, only the operations on those
 * collections are kept.
 */
export class EntryFilter {
  readonly #wanted: (namespace: Namespace) => boolean;
  /** Transactions of which something was kept and whose end is still to come. */
  readonly #open = new Set<string>();
  /** Collections that came into being while entries were picked: their whole life is in the oplog. */
  readonly #created = new Set<string>();
  #moved: string | undefined;

  /** `wanted` is asked with the name that a time series has for people. */
  constructor(wanted: (namespace: Namespace) => boolean) {
    this.#wanted = wanted;
  }

  /** A collection that got another name, or became another one in place, so that its entries cannot be told apart any more. */
  get moved(): string | undefined {
    return this.#moved;
  }

  /** The entry as it is to be kept, `undefined` when it concerns no wanted collection. */
  keep(entry: Buffer): Buffer | undefined {
    const members = [...elementsOf(entry)];
    const of = new Map(members.map((member) => [member.name, member]));
    const kind = text(of.get('op'));
    const namespace = splitNamespace(text(of.get('ns')) ?? '');
    if (kind === 'i' || kind === 'u' || kind === 'd') return this.#isWanted(namespace) ? entry : undefined;
    const body = of.get('o');
    if (kind !== 'c' || body?.type !== 0x03) return undefined;
    const [command] = elementsOf(body.value);
    if (command === undefined) return undefined;
    switch (command.name) {
      case 'applyOps':
        return this.#keepSeveral(entry, members, body.value);
      case 'commitTransaction':
      case 'abortTransaction': {
        const id = transactionOf(of);
        return id !== undefined && this.#open.delete(id) ? entry : undefined;
      }
      default:
        return this.#keepCommand(command, { of, body: body.value, database: namespace.database }) ? entry : undefined;
    }
  }

  #isWanted({ database, collection }: Namespace): boolean {
    const series = /^system\.buckets\.(.+)$/s.exec(collection)?.[1];
    return this.#wanted({ database, collection: series ?? collection });
  }

  #keepCommand(
    command: RawElement,
    { of, body, database }: { readonly of: ReadonlyMap<string, RawElement>; readonly body: Buffer; readonly database: string },
  ): boolean {
    const { name } = command;
    const target = text(command);
    // Every collection of a dropped database has an entry of its own before that of the database, which would take others along.
    if (target === undefined) return false;
    if (name === 'renameCollection') return this.#keepRename(of, body, target);
    const namespace = { database, collection: target };
    if (!this.#isWanted(namespace)) return false;
    if (name === 'create') this.#created.add(identityOf(of));
    if (moving.has(name)) this.#moved ??= nameOf(namespace);
    return true;
  }

  #keepRename(of: ReadonlyMap<string, RawElement>, body: Buffer, from: string): boolean {
    const to = text([...elementsOf(body)].find(({ name }) => name === 'to')) ?? '';
    const [source, target] = [this.#isWanted(splitNamespace(from)), this.#isWanted(splitNamespace(to))];
    if (!source && !target) return false;
    if (!(source && target && this.#created.has(identityOf(of)))) this.#moved ??= from;
    return true;
  }

  #keepSeveral(entry: Buffer, members: readonly RawElement[], body: Buffer): Buffer | undefined {
    const of = new Map(members.map((member) => [member.name, member]));
    const parts = [...elementsOf(body)];
    const list = parts.find(({ name }) => name === 'applyOps');
    if (list?.type !== 0x04) return undefined;
    const all = [...elementsOf(list.value)];
    const kept = all.flatMap(({ value }) => this.keep(value) ?? []);
    const id = transactionOf(of);
    const goesOn = parts.some(({ name }) => name === 'partialTxn' || name === 'prepare');
    const began = id !== undefined && this.#open.has(id);
    if (kept.length === 0 && !began) return undefined;
    if (id !== undefined && goesOn) this.#open.add(id);
    else if (id !== undefined) this.#open.delete(id);
    if (kept.length === all.length) return entry;
    const value = rawDocument(kept.map((inner, index) => ({ type: 0x03, name: String(index), value: inner })));
    const changed = rawDocument(parts.map((part) => (part === list ? { ...part, value } : part)));
    return rawDocument(members.map((member) => (member.name === 'o' ? { ...member, value: changed } : member)));
  }
}

function transactionOf(members: ReadonlyMap<string, RawElement>): string | undefined {
  const [session, number] = [members.get('lsid'), members.get('txnNumber')];
  // Inserts that were sent together and may be retried look like a transaction, but are none.
  const separate = members.get('multiOpType')?.value.readInt32LE() === 1;
  if (session === undefined || number === undefined || separate) return undefined;
  return `${session.value.toString('hex')}-${number.value.toString('hex')}`;
}

function identityOf(members: ReadonlyMap<string, RawElement>): string {
  return members.get('ui')?.value.toString('hex') ?? '';
}

function splitNamespace(name: string): Namespace {
  const dot = name.indexOf('.');
  return { database: name.slice(0, dot), collection: name.slice(dot + 1) };
}

function text(element: RawElement | undefined): string | undefined {
  return element?.type === 0x02 ? stringOf(element.value) : undefined;
}
