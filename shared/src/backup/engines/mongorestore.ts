import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { GuardError } from '../../errors/guard-error.ts';
import { fromMongoError } from '../../errors/mongo-errors.ts';
import { startProgress, type Progress } from '../../log/progress.ts';
import { bucketsOf } from '../../mongo/catalog.ts';
import { digestCollection } from '../../mongo/census.ts';
import { addDigests, emptyDigest, sameDigest } from '../../mongo/digest.ts';
import { readManifest } from '../manifest.ts';
import { metadataText } from '../metadata.ts';
import { nameOf } from '../namespaces.ts';
import { planRestore, proveDefinitions, restoredOf, type RestoreOptions, type RestoreResult } from '../restore.ts';
import type { RestoreItem } from '../restore-collection.ts';
import { backupSource, type RestoreSource } from '../restore-source.ts';
import { currentClusterTime } from '../server-time.ts';
import { writeArchive, type ArchiveEntry } from '../stock/archive-writer.ts';
import { openTool, type ToolAccess } from './mongo-tools.ts';

/**
 * Restores a backup by stock mongorestore, which gets it as an archive by a pipe: from any store, decrypted on the way. As mongorestore
 * knows no shadows, it may only create collections, never replace them; what it created is dropped when it fails. Every collection is
 * counted and compared afterwards. Throws as `restoreBackup` does, and `engine/not-found`, `engine/failed`.
 */
export async function restoreByMongorestore(options: RestoreOptions, access: ToolAccess): Promise<RestoreResult> {
  const { client, store, backupId, log, signal } = options;
  const manifest = await readManifest(store, backupId);
  if (options.drop)
    throw new GuardError(
      'input/invalid',
      'mongorestore drops a collection before its replacement is there: `drop` needs `engine: native`.',
    );
  if (manifest.oplog !== undefined)
    throw new GuardError('input/invalid', `The backup ${backupId} holds an oplog: only \`engine: native\` replays it exactly.`);
  const tool = await openTool('mongorestore', access);
  const source = backupSource(store, manifest);
  const items = await planRestore(options, source);
  const digest = items.reduce((sum, item) => addDigests(sum, item.source.digest), emptyDigest);
  const progress = startProgress({ log, doing: 'Restoring by mongorestore', total: digest });
  // Views last: they show what the others hold.
  const entries = items
    .toSorted((a, b) => Number(a.source.type === 'view') - Number(b.source.type === 'view'))
    .map((item) => entryOf(source, item, { progress, signal }));
  try {
    const program = await tool.start(['--archive', '--maintainInsertionOrder', '--stopOnError', '--bypassDocumentValidation']);
    await feed(program.stdin, writeArchive(entries, { server: manifest.server.version, tool: tool.version }), program.ended).catch(
      (error: unknown) => {
        program.stop();
        throw error;
      },
    );
    log.info(`Restored ${progress.summary()}; comparing`);
    for (const item of items) await prove(options, item);
    await proveDefinitions(client, items);
  } catch (error) {
    await clear(options, items);
    signal?.throwIfAborted();
    throw fromMongoError(error, `Restoring the backup ${backupId}`);
  }
  const collections = items.map(({ source: from, to }) => restoredOf(from, to, false));
  return { backupId, collections, digest };
}

interface Passing {
  readonly progress: Progress;
  readonly signal: AbortSignal | undefined;
}

function entryOf(from: RestoreSource, { source, to }: RestoreItem, { progress, signal }: Passing): ArchiveEntry {
  return {
    ...to,
    type: source.type,
    // A new collection gets a uuid of its own.
    metadata: metadataText({ name: to.collection, type: source.type, options: source.options, indexes: source.indexes }),
    source: source.type === 'timeseries' ? bucketsOf(to.collection) : to.collection,
    async *documents() {
      for await (const frame of from.documents(source, signal)) {
        progress.add(frame.documents, frame.bytes.length);
        yield frame;
      }
    },
  };
}

/** Gives a program its input as fast as it takes it, and waits for its end. The failure of the program comes before that of its input. */
async function feed(input: Writable, chunks: AsyncIterable<Buffer>, ended: Promise<void>): Promise<void> {
  const gone = ended.then(() => {
    throw new GuardError('engine/failed', 'mongorestore ended before it had read the whole archive.');
  });
  gone.catch(() => undefined);
  for await (const chunk of chunks) {
    if (input.write(chunk)) continue;
    // A pipe that broke says less than the program that left it.
    const drained = once(input, 'drain').catch(() => gone);
    await Promise.race([drained, gone]);
  }
  input.end();
  await ended;
}

/** Throws `restore/digest-mismatch`. */
async function prove({ client, signal }: RestoreOptions, { source, to }: RestoreItem): Promise<void> {
  if (source.type === 'view') return;
  const collection = source.type === 'timeseries' ? bucketsOf(to.collection) : to.collection;
  const notBefore = await currentClusterTime(client);
  const found = await digestCollection(client, { database: to.database, collection, signal, notBefore });
  if (sameDigest(found, source.digest)) return;
  const counts = `${found.documents} documents, ${found.bytes} bytes instead of ${source.digest.documents} and ${source.digest.bytes}`;
  throw new GuardError('restore/digest-mismatch', `mongorestore did not restore ${nameOf(to)} exactly: ${counts}.`);
}

/** Drops what this restore created: none of it was there before. */
async function clear({ client, log }: RestoreOptions, items: readonly RestoreItem[]): Promise<void> {
  for (const { to } of items) {
    await client
      .db(to.database)
      .dropCollection(to.collection)
      .catch(() => log.warning(`Could not drop ${nameOf(to)}, which this restore created.`));
  }
}
