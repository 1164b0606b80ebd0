import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { GuardError } from '../../errors/guard-error.ts';
import { unescapeCollection } from '../file-names.ts';
import { nameOf, type Namespace } from '../namespaces.ts';
import { ByteReader, readContent } from './byte-reader.ts';
import { parseDefinition } from './definition.ts';
import { damaged, incomplete, type DumpPlace } from './dump-errors.ts';
import { oplogKey, type DumpAccounts, type DumpCollection, type Portion, type ReadOptions, type StockDump } from './dump.ts';
import { accountsIn, isLeftOut, seriesOf } from './left-out.ts';
import { nextDocuments } from './next-documents.ts';

const suffix = /\.(bson|metadata\.json)(\.gz)?$/;
const oplogFile = 'oplog.bson';

/** The files that belong to one name in a folder of a database. */
interface Files {
  /** The name as it stands in the names of the files. */
  readonly escaped: string;
  data?: string;
  metadata?: string;
}

/** A folder that mongodump wrote, the root or the folder of one database. Throws `dump/*` and `backup/store-failed`. */
export async function openFolder(location: string): Promise<StockDump> {
  const { files, folders } = await list(location);
  const group = grouped(files);
  const oplog = group.get('oplog')?.metadata === undefined && files.includes(oplogFile) ? path.join(location, oplogFile) : undefined;
  if (oplog !== undefined) group.delete('oplog');
  const databases = group.size > 0 ? [location] : folders.map((name) => path.join(location, name));
  const found = await Promise.all(databases.map((folder) => readDatabase(folder)));
  const data = new Map(found.flatMap((database) => [...database.data]));
  if (oplog !== undefined) data.set(oplogKey, oplog);
  return {
    kind: 'folder',
    location,
    collections: found.flatMap(({ collections }) => collections),
    leftOut: found.flatMap(({ leftOut }) => leftOut),
    accounts: found.flatMap(({ accounts }) => accounts),
    hasOplog: oplog !== undefined,
    read: (options) => readFiles(data, options),
  };
}

/** Whether mongodump may have written this folder. */
export async function looksLikeDump(location: string): Promise<boolean> {
  const { files, folders } = await list(location);
  if (files.some((name) => suffix.test(name) || /^prelude\.json(\.gz)?$/.test(name))) return true;
  for (const folder of folders) if ((await list(path.join(location, folder))).files.some((name) => suffix.test(name))) return true;
  return false;
}

async function list(folder: string): Promise<{ readonly files: readonly string[]; readonly folders: readonly string[] }> {
  try {
    const entries = (await readdir(folder, { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1));
    const names = (folders: boolean): string[] => entries.filter((entry) => entry.isDirectory() === folders).map(({ name }) => name);
    return { files: names(false), folders: names(true) };
  } catch (error) {
    throw new GuardError('backup/store-failed', `Listing ${folder}: ${(error as NodeJS.ErrnoException).code}.`, { cause: error });
  }
}

function grouped(files: readonly string[]): Map<string, Files> {
  const groups = new Map<string, Files>();
  for (const file of files) {
    const kind = suffix.exec(file)?.[1];
    if (kind === undefined) continue;
    const escaped = file.replace(suffix, '');
    const group = groups.get(escaped) ?? { escaped };
    groups.set(escaped, { ...group, ...(kind === 'bson' ? { data: file } : { metadata: file }) });
  }
  return groups;
}

interface DatabaseFolder {
  readonly collections: readonly DumpCollection[];
  readonly leftOut: readonly string[];
  readonly accounts: readonly DumpAccounts[];
  /** The file with the documents of each namespace. */
  readonly data: ReadonlyMap<string, string>;
}

async function readDatabase(folder: string): Promise<DatabaseFolder> {
  const database = path.basename(folder);
  const { files, folders } = await list(folder);
  const collections: DumpCollection[] = [];
  const leftOut = [...folders, ...files.filter((name) => !suffix.test(name) && !name.startsWith('prelude.json'))].map(
    (name) => `${database}/${name}`,
  );
  const accounts: DumpAccounts[] = [];
  const data = new Map<string, string>();
  const buckets = new Map<string, string>();
  for (const group of grouped(files).values()) {
    const { definition, namespace } = await readDefinition(folder, database, group);
    const file = group.data === undefined ? undefined : path.join(folder, group.data);
    const series = seriesOf(namespace.collection);
    const kind = accountsIn(namespace);
    if (kind !== undefined && file !== undefined) {
      accounts.push({ kind, key: nameOf(namespace) });
      data.set(nameOf(namespace), file);
    } else if (series !== undefined && group.metadata === undefined && file !== undefined) buckets.set(series, file);
    else if (isLeftOut(namespace.collection)) leftOut.push(nameOf(namespace));
    else {
      collections.push(definition);
      if (file !== undefined && definition.type !== 'view') data.set(nameOf(namespace), file);
    }
  }
  for (const { name, type } of collections) {
    const file = buckets.get(name);
    if (type === 'timeseries' && file !== undefined) data.set(nameOf({ database, collection: name }), file);
    if (type === 'timeseries') buckets.delete(name);
    if (type === 'view' || data.has(nameOf({ database, collection: name }))) continue;
    throw incomplete({ file: folder, offset: 0 }, `the documents of ${database}.${name} are missing`);
  }
  const [lost] = buckets.keys();
  if (lost !== undefined) throw incomplete({ file: folder, offset: 0 }, `the metadata of the time series ${database}.${lost} are missing`);
  return { collections, leftOut, accounts, data };
}

async function readDefinition(
  folder: string,
  database: string,
  { escaped, metadata }: Files,
): Promise<{ readonly definition: DumpCollection; readonly namespace: Namespace }> {
  const named = nameFrom(escaped);
  if (metadata === undefined) {
    if (named === undefined)
      throw incomplete({ file: path.join(folder, escaped), offset: 0 }, 'the name is cut, and the metadata that hold it are missing');
    const namespace = { database, collection: named };
    return { definition: parseDefinition('', namespace), namespace };
  }
  const file = path.join(folder, metadata);
  const chunks: Buffer[] = [];
  for await (const chunk of readContent(file)) chunks.push(chunk);
  const parsed = parseMetadataAt({ file, offset: 0 }, Buffer.concat(chunks).toString('utf8'), { database, collection: named ?? escaped });
  // A name that was not cut is the one in the name of the file: it is that one which mongorestore takes.
  const namespace = { database, collection: named ?? parsed.name };
  return { definition: { ...parsed, name: namespace.collection }, namespace };
}

export function parseMetadataAt(place: DumpPlace, text: string, namespace: Namespace): DumpCollection {
  try {
    return parseDefinition(text, namespace);
  } catch (error) {
    throw damaged(place, `the metadata of ${nameOf(namespace)} cannot be read`, error);
  }
}

function nameFrom(escaped: string): string | undefined {
  try {
    return unescapeCollection(escaped);
  } catch {
    // Not an escaped name: releases before 4.0 escaped less.
    return escaped;
  }
}

async function* readFiles(data: ReadonlyMap<string, string>, { only, signal }: ReadOptions): AsyncGenerator<Portion, void, undefined> {
  for (const [key, file] of data) {
    if (only !== undefined && only !== key) continue;
    const reader = new ByteReader(readContent(file, signal));
    try {
      for (;;) {
        const place = { file, offset: reader.offset };
        const next = await nextDocuments(reader, file);
        if (next === 'end') break;
        if (next === 'terminator') throw damaged(place, 'a document has the length -1');
        yield { ...next, key, place };
      }
    } finally {
      await reader.close();
    }
  }
}
