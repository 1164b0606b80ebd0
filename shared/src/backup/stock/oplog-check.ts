import { parseExtendedJson, toExtendedJson, toRaw, type OrderedDocument } from '../../mongo/extended-json.ts';
import { damaged, unsupported, type DumpPlace } from './dump-errors.ts';
import { parseEntry } from './oplog-entry.ts';

/** What was seen of an oplog so far. */
export interface OplogSummary {
  entries: number;
  /** Namespaces into which it writes. */
  readonly namespaces: Set<string>;
}

/** Commands that a replay knows. Source: mongodb/mongo-tools mongorestore/oplog.go. */
export const knownCommands: ReadonlySet<string> = new Set([
  'create',
  'drop',
  'dropDatabase',
  'renameCollection',
  'collMod',
  'convertToCapped',
  'emptycapped',
  'createIndexes',
  'commitIndexBuild',
  'dropIndexes',
  'dropIndex',
  'deleteIndexes',
  'deleteIndex',
]);

/** Makes sure that an entry, and those inside of it, can be replayed. Throws `dump/damaged` and `dump/unsupported`. */
export function checkEntry(entry: Buffer, place: DumpPlace, summary: OplogSummary): void {
  const { operation } = parseEntry(entry, place);
  summary.entries++;
  switch (operation.kind) {
    case 'several':
      for (const inner of operation.entries) checkEntry(inner, place, summary);
      return;
    case 'insert':
    case 'update':
      summary.namespaces.add(operation.namespace);
      if (operation.kind === 'update') asOrdered(operation.entry, place);
      return;
    case 'command':
      if (!knownCommands.has(operation.name))
        throw unsupported(place, `the oplog holds the command ${operation.name}, which cannot be replayed`);
      commandOf(operation.body, place);
      return;
    case 'delete':
    case 'nothing':
  }
}

/** A command of the oplog with its keys in their order. Throws `dump/damaged` unless it names what it is about. */
export function commandOf(body: Buffer, place: DumpPlace): { readonly target: string; readonly document: OrderedDocument } {
  const document = asOrdered(body, place);
  const [first] = document.values();
  if (document.has('dropDatabase')) return { target: '', document };
  if (typeof first !== 'string') throw damaged(place, 'a command in the oplog does not say which collection it means');
  return { target: first, document };
}

/** The document that the driver sends with the same bytes. Throws `dump/unsupported` when there is none. */
export function asOrdered(raw: Buffer, place: DumpPlace): OrderedDocument {
  const document = parseExtendedJson(toExtendedJson(raw));
  if (toRaw(document).equals(raw)) return document;
  throw unsupported(place, 'an entry of the oplog holds a value that cannot be sent without a change');
}
