import { classHistory } from './class.ts';
import type { History, HistoryKind, MigrationClass } from './history.ts';
import { migrateMongoHistory } from './migrate-mongo.ts';
import { plainHistory } from './plain.ts';

export interface HistoryOptions {
  readonly kind: HistoryKind;
  /** Default: `changelog` for migrate-mongo, `migrations` for plain, `migrations_changelog` for class. */
  readonly collection?: string | undefined;
  /** What class histories record beside the name. */
  readonly describe?: (fileName: string) => MigrationClass;
}

export function openHistory({ kind, collection, describe = withoutClass }: HistoryOptions): History {
  const open = {
    'migrate-mongo': () => migrateMongoHistory(collection ?? 'changelog'),
    plain: () => plainHistory(collection ?? 'migrations'),
    class: () => classHistory(collection ?? 'migrations_changelog', describe),
  };
  return open[kind]();
}

function withoutClass(fileName: string): MigrationClass {
  return { path: fileName, className: fileName.replace(/\.[cm]?[jt]s$/, '') };
}
