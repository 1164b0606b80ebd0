import { parseExtendedJson, toExtendedJson, toRaw, type OrderedDocument } from '../../mongo/extended-json.ts';
import { parseMetadata } from '../metadata.ts';
import type { DumpCollection } from './dump.ts';
import type { Namespace } from '../namespaces.ts';

/** Options that older servers kept and newer ones refuse. Source: mongodb/mongo-tools mongorestore/metadata.go. */
const formerOptions = new Set(['create', 'autoIndexId', 'flags', 'temp', 'idIndex', 'recordIdsReplicated']);
const formerIndexOptions = new Set(['ns', 'safe', 'dropDups']);

/**
 * The definition in a text of metadata by mongodump, or the default one when there is no text. Versions before 4.4 named the namespace in
 * every index, and those before 4.2 wrote relaxed Extended JSON: what a server of today would list comes out. Throws `SyntaxError`.
 */
export function parseDefinition(text: string, { database, collection }: Namespace): DumpCollection {
  const { uuid: _uuid, ...parsed } = parseMetadata(text.trim() === '' ? '{}' : text, collection);
  const options = without(parseExtendedJson(parsed.options), formerOptions);
  const type = options.has('viewOn') ? 'view' : options.has('timeseries') ? 'timeseries' : parsed.type;
  const indexes = parsed.indexes.map(modernIndex);
  const hasIdIndex = indexes.some((index) => index.get('name') === '_id_') || options.has('clusteredIndex');
  const all = type === 'collection' && !hasIdIndex ? [idIndex(options), ...indexes] : indexes;
  return { database, name: parsed.name, type, options: textOf(options), indexes: all.map(textOf) };
}

function textOf(document: OrderedDocument): string {
  return toExtendedJson(toRaw(document));
}

function without(document: OrderedDocument, names: ReadonlySet<string>): OrderedDocument {
  return new Map([...document].filter(([name]) => !names.has(name)));
}

/** Indexes of version 1 become version 2, as by mongorestore. */
export function modernIndex(source: string | OrderedDocument): OrderedDocument {
  const index = without(typeof source === 'string' ? parseExtendedJson(source) : source, formerIndexOptions);
  return index.has('v') ? new Map([...index, ...parseExtendedJson('{"v":2}')]) : index;
}

/** What a server makes when nobody says anything. */
function idIndex(options: OrderedDocument): OrderedDocument {
  const collation = options.get('collation');
  const index = parseExtendedJson('{"v":2,"key":{"_id":1},"name":"_id_"}');
  return collation === undefined ? index : new Map([...index, ['collation', collation]]);
}
