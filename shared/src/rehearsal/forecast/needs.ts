import type { Db } from 'mongodb';
import type { ServerPrecheck } from '../../migration/prechecks/precheck.ts';
import { readSizes, type CollectionSize } from '../../mongo/collection-sizes.ts';
import { parseExtendedJson } from '../../mongo/extended-json.ts';
import type { CollectionEffects } from '../effects.ts';
import type { RehearsedFile } from '../room.ts';

type Rehearsed = Pick<RehearsedFile, 'name' | 'first' | 'effects'>;

/** What the files need of a server, all together, while the copy is as their `up` left it. */
export async function measureNeeds(db: Db, files: readonly Rehearsed[]): Promise<readonly ServerPrecheck[]> {
  const now = await readSizes(db, collectionsOf(files));
  const bytesBefore = [...sizesBefore(files, now)].map(([name, { bytes }]) => [name, bytes] as const);
  const weighed = { file: files.map(({ name }) => name).join(', '), sizes: Object.fromEntries(bytesBefore) };
  const documents = documentBytes(files);
  const indexes = indexBytes(files, now);
  const oplogBytes = oplogBytesOf(files) ?? 0;
  const milliseconds = Math.round(files.reduce((sum, { first }) => sum + (first?.milliseconds ?? 0), 0));
  return [
    ...(documents + indexes === 0 ? [] : [{ kind: 'disk' as const, ...weighed, documents, indexes }]),
    ...(oplogBytes === 0 ? [] : [{ kind: 'oplog' as const, ...weighed, bytes: oplogBytes, milliseconds }]),
  ];
}

/** Names of the collections that the files read or wrote. */
export function collectionsOf(files: readonly Rehearsed[]): readonly string[] {
  const names = files.flatMap(({ first, effects }) => [
    ...(first?.observation.statements ?? []).map(({ collection }) => collection),
    ...effects.map(({ collection }) => collection),
  ]);
  return [...new Set(names)].filter((name) => name !== '').sort();
}

/** Sizes on the copy before the files ran, from those of `now`, after them. What a file made anew had none. */
export function sizesBefore(files: readonly Rehearsed[], now: ReadonlyMap<string, Size>): ReadonlyMap<string, Size> {
  const effects = files.flatMap((file) => file.effects);
  const sizes = collectionsOf(files).map((name) => {
    const first = effects.find(({ collection, renamedFrom }) => collection === name || renamedFrom === name);
    return [name, first === undefined ? now.get(name) : first.before] as const;
  });
  return new Map(sizes.flatMap(([name, size]) => (size === undefined ? [] : [[name, size]])));
}

type Size = Pick<CollectionSize, 'documents' | 'bytes'>;

/**
 * What is added stays; what is rewritten stands there twice until the next checkpoint of the server, at most for the file that rewrites the
 * most.
 */
function documentBytes(files: readonly Rehearsed[]): number {
  const perFile = files.map(({ effects }) => ({ added: sum(effects.map(added)), rewritten: sum(effects.map(rewritten)) }));
  return Math.round(sum(perFile.map((file) => file.added)) + Math.max(0, ...perFile.map((file) => file.rewritten)));
}

function added({ before, after }: CollectionEffects): number {
  return Math.max(0, (after?.bytes ?? 0) - (before?.bytes ?? 0));
}

function rewritten({ after, contents }: CollectionEffects): number {
  if (after === undefined || contents === undefined || after.documents === 0) return 0;
  return ((contents.changed + contents.reordered) / after.documents) * after.bytes;
}

function indexBytes(files: readonly Rehearsed[], now: ReadonlyMap<string, CollectionSize>): number {
  const sizes = files
    .flatMap(({ effects }) => effects)
    .flatMap(({ collection, indexesAdded }) =>
      indexesAdded.map((index) => now.get(collection)?.indexes.get(String(parseExtendedJson(index).get('name'))) ?? 0),
    );
  return sum(sizes);
}

/** Bytes that the first `up` of each file wrote to the oplog; `undefined` when the server of the copy does not tell for each of them. */
export function oplogBytesOf(files: readonly Pick<RehearsedFile, 'first'>[]): number | undefined {
  let total = 0;
  for (const { first } of files) {
    if (first?.changes === undefined) return undefined;
    total += sum([...first.changes.oplogBytes.values()]);
  }
  return total;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
