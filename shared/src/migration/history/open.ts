import { nameWithoutExtension } from '../files.ts';
import { classHistory } from './class.ts';
import type { History, HistoryKind } from './history.ts';
import { migrateMongoHistory } from './migrate-mongo.ts';
import { plainHistory } from './plain.ts';

export interface HistoryOptions {
  readonly kind: HistoryKind;
  /** Default: `changelog` for migrate-mongo, `migrations` for plain, `migrations_changelog` for class. */
  readonly collection?: string | undefined;
  /** The class in a file, which class histories record beside the name; default: the name without extension. */
  readonly classNameOf?: (fileName: string) => string;
}

export function openHistory({ kind, collection, classNameOf = nameWithoutExtension }: HistoryOptions): History {
  const open = {
    'migrate-mongo': () => migrateMongoHistory(collection ?? 'changelog'),
    plain: () => plainHistory(collection ?? 'migrations'),
    class: () => classHistory(collection ?? 'migrations_changelog', classNameOf),
  };
  return open[kind]();
}
