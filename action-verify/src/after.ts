import type { CheckResult } from '@migration-guard/shared/checks/check';
import { checkCounts } from '@migration-guard/shared/checks/counts';
import { runConfiguredChecks } from '@migration-guard/shared/checks/evaluate';
import { checkRecords } from '@migration-guard/shared/checks/records';
import type { VerifySettings } from '@migration-guard/shared/config/verify';
import { openHistory } from '@migration-guard/shared/migration/history/open';
import { readJournal } from '@migration-guard/shared/migration/journal';
import { takeCensus } from '@migration-guard/shared/mongo/census';
import type { Connection } from '@migration-guard/shared/mongo/connect';
import type { RollbackPoint } from '@migration-guard/shared/rollback/point';

export interface AfterOptions {
  readonly connection: Connection;
  readonly database: string;
  readonly point: RollbackPoint | undefined;
  readonly settings: VerifySettings;
  readonly signal: AbortSignal;
}

/** Everything that is checked after a migration: records and counts against the rollback point, then what the configuration asks for. */
export async function checkAfter({ connection, database, point, settings, signal }: AfterOptions): Promise<readonly CheckResult[]> {
  const db = connection.client.db(database);
  const census = await takeCensus(connection.client, database, { digests: false, signal });
  const changelog = settings.changelog ?? point?.changelog ?? 'changelog';
  const compared =
    point === undefined
      ? []
      : [
          ...checkRecords({
            point,
            history: (await openHistory({ kind: point?.historyKind ?? 'migrate-mongo', collection: changelog }).read(db)).map(
              ({ fileName }) => fileName,
            ),
            journal: [...(await readJournal(db)).values()],
          }),
          ...checkCounts(withoutCollection(point.census, changelog), withoutCollection(census, changelog), settings.counts),
        ];
  return [...compared, ...(await runConfiguredChecks(settings, { db, census, signal }))];
}

/** The changelog grows with every migration; its records are checked one by one. */
function withoutCollection(census: RollbackPoint['census'], changelog: string): RollbackPoint['census'] {
  return { ...census, collections: census.collections.filter(({ name }) => name !== changelog) };
}
