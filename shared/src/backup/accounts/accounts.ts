import { valueText } from '../../mongo/extended-json.ts';
import { elementOf, forEachDocument, stringOf } from '../../mongo/raw-bson.ts';

/** Users or roles as the server keeps them, by their `_id`, such as `"shop.app"`. */
export type Accounts = ReadonlyMap<string, Buffer>;

export interface WantedAccounts {
  readonly users: Accounts;
  readonly roles: Accounts;
}

/** Users and roles that are picked from documents as they are read: those of some databases, or all. */
export class AccountCollector implements WantedAccounts {
  readonly users = new Map<string, Buffer>();
  readonly roles = new Map<string, Buffer>();
  readonly #databases: readonly string[];

  constructor(databases: readonly string[] = []) {
    this.#databases = databases;
  }

  add(kind: keyof WantedAccounts, documents: Buffer): void {
    forEachDocument(documents, (start, end) => {
      const document = documents.subarray(start, end);
      // A copy: it stays longer than what it was read with.
      if (this.#databases.length === 0 || this.#databases.includes(databaseOf(document)))
        this[kind].set(idOf(document), Buffer.from(document));
    });
  }
}

export function idOf(document: Buffer): string {
  const id = elementOf(document, '_id');
  return id === undefined ? '' : valueText(id.type, id.value);
}

function databaseOf(document: Buffer): string {
  const element = elementOf(document, 'db');
  return element?.type === 0x02 ? stringOf(element.value) : '';
}
