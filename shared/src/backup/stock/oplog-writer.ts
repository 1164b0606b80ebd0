import type { MongoClient } from 'mongodb';
import { DocumentSequence } from 'mongodb/lib/cmap/commands.js';
import { GuardError } from '../../errors/guard-error.ts';
import { fromMongoError } from '../../errors/mongo-errors.ts';
import { elementOf, elementsOf, rawDocument, type RawElement } from '../../mongo/raw-bson.ts';
import { hasEmptyTimestamp, replacement } from '../empty-timestamps.ts';
import { parseNamespace } from '../namespaces.ts';
import type { DumpPlace } from './dump-errors.ts';
import { asOrdered } from './oplog-check.ts';
import type { Operation } from './oplog-entry.ts';

type WriteOperation = Extract<Operation, { kind: 'insert' | 'delete' | 'update' }>;

/** Operations of one kind that follow each other, to be sent in one command. */
interface Run {
  readonly kind: WriteOperation['kind'];
  /** One for inserts and deletes; updates of all namespaces go together. */
  readonly namespace: string;
  readonly place: DumpPlace;
  readonly statements: Buffer[];
  bytes: number;
}

const mostStatements = 500;
const mostBytes = 4 * 2 ** 20;

/**
 * Writes operations of an oplog in their order. Documents that are inserted travel as raw bytes and replace what has their `_id`: what a
 * dump caught twice comes out once. Updates are what only the server itself can read, so they go through `applyOps`.
 */
export class OplogWriter {
  readonly #client: MongoClient;
  #run: Run | undefined;

  constructor(client: MongoClient) {
    this.#client = client;
  }

  async write(operation: WriteOperation, place: DumpPlace): Promise<void> {
    const { kind } = operation;
    const namespace = kind === 'update' ? '' : operation.namespace;
    if (this.#run?.kind !== kind || this.#run.namespace !== namespace) await this.flush();
    const run = (this.#run ??= { kind, namespace, place, statements: [], bytes: 0 });
    const statement = statementOf(operation, place);
    run.statements.push(statement);
    run.bytes += statement.length;
    if (run.statements.length >= mostStatements || run.bytes >= mostBytes) await this.flush();
  }

  /** Sends what waits. Throws `dump/oplog-refused`, and the errors of `fromMongoError`. */
  async flush(): Promise<void> {
    const run = this.#run;
    this.#run = undefined;
    if (run === undefined) return;
    try {
      if (run.kind === 'update')
        await applyOps(
          this.#client,
          run.statements.map((entry) => asOrdered(entry, run.place)),
          run.place,
        );
      else await send(this.#client, run);
    } catch (error) {
      throw fromMongoError(error, `Replaying the oplog at byte ${run.place.offset}`);
    }
  }
}

function statementOf(operation: WriteOperation, place: DumpPlace): Buffer {
  if (operation.kind === 'update') return operation.entry;
  if (operation.kind === 'delete')
    return rawDocument([query([operation.id]), { type: 0x10, name: 'limit', value: Buffer.from([1, 0, 0, 0]) }]);
  const { document, namespace } = operation;
  const names = [...elementsOf(document)].map(({ name }) => name);
  // A server puts its time in place of an empty timestamp, and takes names that begin with $ for operators.
  if (hasEmptyTimestamp(document) || names.some((name) => name.startsWith('$'))) {
    // mongod 6.0.5 ends at once when a pipeline puts a document with a name twice in the place of another one.
    if (new Set(names).size < names.length) throw refusal(place, `a document of ${namespace} that has a field name twice`, undefined);
    return replacement(document, true);
  }
  const id = elementOf(document, '_id');
  return rawDocument([
    query(id === undefined ? [] : [id]),
    { type: 0x03, name: 'u', value: document },
    { type: 0x08, name: 'upsert', value: Buffer.from([1]) },
  ]);
}

function query(elements: readonly RawElement[]): RawElement {
  return { type: 0x03, name: 'q', value: rawDocument(elements) };
}

async function send(client: MongoClient, { kind, namespace, statements, place }: Run): Promise<void> {
  const { database, collection } = parseNamespace(namespace);
  const field = kind === 'insert' ? 'updates' : 'deletes';
  const sequence = new DocumentSequence(field);
  for (const statement of statements) sequence.push({}, statement);
  const bypass = kind === 'insert' && !collection.startsWith('system.buckets.') ? { bypassDocumentValidation: true } : {};
  const command = { [kind === 'insert' ? 'update' : 'delete']: collection, ...bypass, writeConcern: { w: 'majority' }, [field]: sequence };
  const reply = await client.db(database).command(command);
  const refused = (reply['writeErrors'] as readonly { readonly code?: number }[] | undefined) ?? [];
  if (refused.length > 0 || reply['writeConcernError'] !== undefined) throw refusal(place, namespace, refused[0]?.code);
}

/** Has the server apply entries of its own kind. Throws `dump/oplog-refused`. */
export async function applyOps(client: MongoClient, entries: readonly ReadonlyMap<string, unknown>[], place: DumpPlace): Promise<void> {
  // One by one: as a unit they would take the lock of the whole server, and wait for every open transaction.
  const how = { allowAtomic: false, bypassDocumentValidation: true, writeConcern: { w: 'majority' } };
  const reply = await client.db('admin').command({ applyOps: entries, ...how });
  const results = (reply['results'] as readonly boolean[] | undefined) ?? [];
  const done = results.length === entries.length && results.every(Boolean);
  if (!done) throw refusal(place, 'an update', reply['code']);
}

export function refusal({ file, offset }: DumpPlace, what: string, code: unknown): GuardError {
  const reason = typeof code === 'number' ? ` (server error ${code})` : '';
  return new GuardError('dump/oplog-refused', `${file}, byte ${offset}: the server did not take an entry for ${what}${reason}.`, {
    cause: { code },
  });
}
