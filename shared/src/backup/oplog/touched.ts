import type { MongoClient } from 'mongodb';
import { createDigester, type Digest } from '../../mongo/digest.ts';
import { parseExtendedJson, toExtendedJson, toRaw, valueText } from '../../mongo/extended-json.ts';
import { elementOf, rawDocument, type RawElement } from '../../mongo/raw-bson.ts';
import { readConcernOf, readRaw, type ScanTime } from '../../mongo/raw-read.ts';
import type { Namespace } from '../namespaces.ts';
import type { Operation } from '../stock/oplog-entry.ts';

/** Most documents whose `_id` are remembered; beyond it nothing is compared. */
const mostIds = 2_000_000;
/** Documents that are asked for at once. */
const idsAtOnce = 1_000;

export type WriteOperation = Extract<Operation, { kind: 'insert' | 'update' | 'delete' }>;

/** The documents that an oplog writes to, by the UUID of their collection. */
export class Touched {
  readonly #ids = new Map<string, Map<string, RawElement>>();
  #count = 0;

  add(operation: WriteOperation): void {
    const id = idOf(operation);
    if (id === undefined || operation.uuid === undefined || this.#count > mostIds) return;
    const ids = this.#ids.get(operation.uuid) ?? new Map<string, RawElement>();
    this.#ids.set(operation.uuid, ids);
    const key = valueText(id.type, id.value);
    if (ids.has(key)) return;
    // A copy: the bytes are part of a whole reply of the server.
    ids.set(key, { ...id, value: Buffer.from(id.value) });
    this.#count++;
  }

  /** Whether so many documents were touched that not all of them are remembered. */
  get overflown(): boolean {
    return this.#count > mostIds;
  }

  has(uuid: string): boolean {
    return this.#ids.has(uuid);
  }

  /** The `_id`s of one collection, always in the same order. */
  idsOf(uuid: string): readonly RawElement[] {
    return [...(this.#ids.get(uuid) ?? [])].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, id]) => id);
  }
}

function idOf(operation: WriteOperation): RawElement | undefined {
  if (operation.kind === 'delete') return operation.id;
  if (operation.kind === 'insert') return elementOf(operation.document, '_id');
  const of = elementOf(operation.entry, 'o2');
  return of === undefined ? undefined : elementOf(of.value, '_id');
}

export interface TouchedTarget extends Namespace, ScanTime {
  readonly ids: readonly RawElement[];
  readonly signal?: AbortSignal | undefined;
}

/** The digest of the documents with these `_id`s, as far as they are there. Driver errors are thrown as they are. */
export async function digestOfIds(client: MongoClient, { database, collection, ids, signal, ...time }: TouchedTarget): Promise<Digest> {
  const digester = createDigester();
  for (let start = 0; start < ids.length; start += idsAtOnce) {
    const filter = { _id: { $in: ids.slice(start, start + idsAtOnce).flatMap(sendable) } };
    const command = { find: collection, filter, batchSize: idsAtOnce, ...readConcernOf(time) };
    for await (const batch of readRaw({ client, database, collection, command, signal })) digester.addArray(batch);
  }
  return digester.digest();
}

/** The value as the driver sends it, if it sends the same bytes: a few kinds of the past it cannot send, and they are left out always. */
function sendable(id: RawElement): readonly unknown[] {
  const raw = rawDocument([{ ...id, name: 'v' }]);
  const document = parseExtendedJson(toExtendedJson(raw));
  return toRaw(document).equals(raw) ? [document.get('v')] : [];
}
