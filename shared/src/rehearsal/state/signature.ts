import { createHash, type Hash } from 'node:crypto';
import { elementsOf, type RawElement } from '../../mongo/raw-bson.ts';
import { natureOf, type Window } from './natural.ts';

/** A hash of a document in which everything that a run makes anew, `_id` too, counts only by its nature. Pure. */
export function signatureOf(document: Buffer, window: Window): string {
  const hash = createHash('sha1');
  addDocument(hash, document, window);
  return hash.digest('base64');
}

function addDocument(hash: Hash, document: Buffer, window: Window): void {
  for (const element of elementsOf(document)) addElement(hash, element, window);
  hash.update('}');
}

function addElement(hash: Hash, element: RawElement, window: Window): void {
  const { type, name, value } = element;
  hash.update(`${type} ${name}\0`);
  if (type === 0x03 || type === 0x04) {
    addDocument(hash, value, window);
    return;
  }
  const nature = natureOf(element, window);
  if (nature === undefined) hash.update(value);
  else hash.update(nature);
}
