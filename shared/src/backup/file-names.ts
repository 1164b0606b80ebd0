import { createHash } from 'node:crypto';

/** Longest escaped name that mongodump writes, bytes. */
const longest = 238;
const kept = 208;

/**
 * The file name of a collection as mongodump writes it: the query escaping of Go, cut to 238 bytes with a hash when longer.
 * Source: mongodb/mongo-tools common/util/escape.go.
 */
export function escapeCollection(name: string): string {
  const escaped = encodeURIComponent(name)
    .replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(/%20/g, '+');
  if (escaped.length <= longest) return escaped;
  return `${escaped.slice(0, kept)}%24${createHash('sha1').update(name).digest('base64url')}`;
}

/** The collection whose file name is `escaped`, or `undefined` when the name was cut and only the metadata know it. */
export function unescapeCollection(escaped: string): string | undefined {
  if (escaped.length === longest && escaped.slice(kept, kept + 3) === '%24') return undefined;
  return decodeURIComponent(escaped.replaceAll('+', '%20'));
}
