import { z } from 'zod';
import { GuardError } from '../errors/guard-error.ts';
import type { CatalogEntry } from '../mongo/catalog.ts';
import { parseExtendedJson, toExtendedJson, toRaw } from '../mongo/extended-json.ts';

/**
 * The text of a `.metadata.json` file, as mongodump writes it: one line of canonical Extended JSON with the keys in this order.
 * Source: mongodb/mongo-tools mongodump/metadata_dump.go.
 */
export function metadataText(entry: CatalogEntry): string {
  const members = [
    ...(entry.options === '{}' ? [] : [`"options":${entry.options}`]),
    `"indexes":[${entry.indexes.join(',')}]`,
    // The uuid that is known of a time series is that of its buckets.
    ...(entry.uuid === undefined || entry.type === 'timeseries' ? [] : [`"uuid":"${entry.uuid}"`]),
    `"collectionName":${JSON.stringify(entry.name)}`,
    `"type":"${entry.type}"`,
  ];
  return `{${members.join(',')}}`;
}

const textSchema = z.string();
const typeSchema = z.enum(['collection', 'view', 'timeseries']).catch('collection');

/** Reads a `.metadata.json` text, ours or mongodump's. `name` is used where the text does not name the collection. Throws `SyntaxError`. */
export function parseMetadata(text: string, name: string): CatalogEntry {
  const document = parseExtendedJson(text);
  const options = document.get('options');
  const indexes = document.get('indexes');
  const uuid = document.get('uuid');
  return {
    name: textSchema.catch(name).parse(document.get('collectionName')),
    type: typeSchema.parse(document.get('type')),
    options: options instanceof Map ? toExtendedJson(toRaw(options)) : '{}',
    indexes: Array.isArray(indexes) ? indexes.map((index: Map<string, unknown>) => toExtendedJson(toRaw(index))) : [],
    ...(typeof uuid === 'string' ? { uuid } : {}),
  };
}

/**
 * Proves that options and indexes survive the way through text: the server must get back what it gave. Throws
 * `backup/metadata-unsupported`, which no metadata of a healthy server is known to cause.
 */
export function proveMetadata(database: string, entry: CatalogEntry): void {
  for (const text of [entry.options, ...entry.indexes]) {
    if (toExtendedJson(toRaw(parseExtendedJson(text))) === text) continue;
    throw new GuardError('backup/metadata-unsupported', `Options or indexes of ${database}.${entry.name} cannot be written down exactly.`);
  }
}
