import { GuardError } from '../../errors/guard-error.ts';
import { emptyDigest } from '../../mongo/digest.ts';
import { parseExtendedJson } from '../../mongo/extended-json.ts';
import { readCatalog } from '../../mongo/catalog.ts';
import { nameOf, parseNamespace } from '../namespaces.ts';
import { restoreFrom, type RestoreResult, type RestoreWishes } from '../restore.ts';
import type { SourceCollection } from '../restore-source.ts';
import { dumpSource } from './dump-source.ts';
import type { StockDump } from './dump.ts';
import { replayOplog } from './replay-oplog.ts';
import { surveyDump, type Survey, type SurveyedCollection } from './survey.ts';

export interface DumpRestoreResult extends RestoreResult {
  /** Operations of the oplog that were replayed, when the dump holds an oplog. */
  readonly replayed: number | undefined;
}

/** Databases that belong to a server; they are restored only when they are named. */
const ofServer = new Set(['admin', 'config', 'local']);

/**
 * Restores what mongodump wrote, exactly, or throws. The dump is read to its end and checked before the target is touched; then every
 * collection takes the way of a backup of ours: loaded under a shadow name, proven by its digest, renamed. An oplog is replayed after
 * that, and indexes are built last. Throws `dump/*` and what `restoreBackup` throws.
 */
export async function restoreDump(dump: StockDump, options: RestoreWishes): Promise<DumpRestoreResult> {
  const { client, oplogLimit: limit, log, signal } = options;
  if (dump.hasOplog) requireWhole(options);
  else if (limit !== undefined) throw new GuardError('restore/time-refused', `The dump ${dump.location} holds no oplog.`);
  const survey = await surveyDump(dump, { log, signal });
  if (dump.leftOut.length > 0) log.info(`Not restored: ${dump.leftOut.join(', ')}`);
  const collections = survey.collections.filter(
    ({ database }) => options.databases?.includes(database) === true || !ofServer.has(database),
  );
  const sources = dump.hasOplog ? collections.map(withoutIndexes) : collections;
  if (dump.hasOplog) await requireUntouched(options, { dump, survey });
  const nothing = { backupId: dump.location, collections: [], digest: emptyDigest };
  const result = dump.hasOplog && sources.length === 0 ? nothing : await restoreFrom(dumpSource(dump, sources), options);
  if (!dump.hasOplog) return { ...result, replayed: undefined };
  return { ...result, replayed: await replayOplog({ client, dump, limit, log, signal }) };
}

/** Under an oplog, indexes come at the end: only then do documents keep what a unique index demands. */
function withoutIndexes(collection: SurveyedCollection): SourceCollection {
  return { ...collection, indexes: collection.indexes.filter((index) => isFirst(index)) };
}

function isFirst(index: string): boolean {
  const definition = parseExtendedJson(index);
  return definition.get('name') === '_id_' || definition.get('clustered') === true;
}

function requireWhole({ databases, only, include, exclude, renames, mapNamespace }: RestoreWishes): void {
  const partly = [databases, only, include, exclude, renames].some((list) => list !== undefined && list.length > 0);
  if (!partly && mapNamespace === undefined) return;
  throw new GuardError('dump/oplog-needs-all', 'This dump holds an oplog, so neither parts of it nor other names can be restored.');
}

/** An oplog also writes to collections that came into being while the dump was taken: they must not be there already. */
async function requireUntouched(
  { client, signal }: RestoreWishes,
  { dump, survey }: { readonly dump: StockDump; readonly survey: Survey },
): Promise<void> {
  const restored = new Set(dump.collections.map(({ database, name }) => nameOf({ database, collection: name })));
  const others = [...survey.oplog.namespaces].map(parseNamespace).filter((namespace) => !restored.has(nameOf(namespace)));
  for (const [database, group] of Map.groupBy(others, (namespace) => namespace.database)) {
    const standing = new Set((await readCatalog(client, database, { signal })).map(({ name }) => name));
    const found = group.find(({ collection }) => standing.has(collection));
    if (found === undefined) continue;
    throw new GuardError('restore/target-exists', `The oplog of the dump writes to ${nameOf(found)}, which the target already holds.`, {
      remedy: `Drop or rename ${nameOf(found)} first: it is not among the collections of the dump that \`drop\` replaces.`,
    });
  }
}
