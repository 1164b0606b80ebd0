import type { Document } from 'mongodb';
import type { ForeignRecord } from './foreign-record.ts';
import { readMongock } from './mongock.ts';

export const importSources = [
  'mongock',
  'ts-migrate-mongoose',
  'mongo-migrate-ts',
  'umzug',
  'golang-migrate',
  'migrate-mongo',
  'plain',
] as const;
export type ImportSource = (typeof importSources)[number];

export interface SourceFormat {
  /** Where the tool keeps its history unless it is told otherwise. */
  readonly collection: string;
  read(documents: readonly Document[]): readonly ForeignRecord[];
}

/** How each tool records its history, as its own source writes it. */
export const sourceFormats: Readonly<Record<ImportSource, SourceFormat>> = {
  mongock: { collection: 'mongockChangeLog', read: readMongock },
  // src/model.ts: {name, state, createdAt}; its files are `<createdAt in ms>-<name>`.
  'ts-migrate-mongoose': {
    collection: 'migrations',
    read: each(({ name, state, createdAt, updatedAt }) => {
      const millisecond = createdAt instanceof Date ? createdAt.getTime() : 0;
      const appliedAt = updatedAt ?? createdAt;
      return { id: name, state: state === 'up' ? 'applied' : 'reverted', appliedAt, candidates: [`${millisecond}-${name}`, String(name)] };
    }),
  },
  // lib/database.ts: {file, className, timestamp in ms}; `file` is a path.
  'mongo-migrate-ts': {
    collection: 'migrations_changelog',
    read: each(({ file, timestamp }) => {
      const name = String(file).split(/[\\/]/).at(-1) ?? '';
      return { id: file, state: 'applied', appliedAt: new Date(Number(timestamp)), candidates: [name] };
    }),
  },
  // src/storage/mongodb.ts: {migrationName} and nothing else.
  umzug: {
    collection: 'migrations',
    read: each(({ migrationName }) => ({ id: migrationName, state: 'applied', candidates: [String(migrationName)] })),
  },
  // database/mongodb/mongodb.go: one document {version, dirty}; dirty: that version was begun and did not end.
  'golang-migrate': {
    collection: 'schema_migrations',
    read: each(({ version, dirty }) => ({
      id: version === undefined ? undefined : String(version),
      state: dirty === true ? 'failed' : 'applied',
      candidates: [],
      upTo: Number(version),
    })),
  },
  'migrate-mongo': {
    collection: 'changelog',
    read: each(({ fileName, appliedAt }) => ({ id: fileName, state: 'applied', appliedAt, candidates: [String(fileName)] })),
  },
  plain: {
    collection: 'migrations',
    read: each(({ filename, executedAt, success }) => {
      return { id: filename, state: success === false ? 'failed' : 'applied', appliedAt: executedAt, candidates: [String(filename)] };
    }),
  },
};

interface Reading extends Omit<ForeignRecord, 'id' | 'appliedAt'> {
  /** Not a text: the document is no record of this tool. */
  readonly id: unknown;
  readonly appliedAt?: unknown;
}

function each(read: (document: Document) => Reading): SourceFormat['read'] {
  return (documents) =>
    documents.flatMap((document) => {
      const { id, appliedAt, ...rest } = read(document);
      if (typeof id !== 'string') return [];
      const time = appliedAt instanceof Date && !Number.isNaN(appliedAt.getTime()) ? { appliedAt } : {};
      return [{ id, ...time, ...rest }];
    });
}
