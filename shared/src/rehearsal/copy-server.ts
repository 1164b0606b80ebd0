import { totalmem } from 'node:os';
import { MongoServerError } from 'mongodb';
import type { Manifest } from '../backup/manifest.ts';
import { ensureBinary, type RemoteCache } from '../embedded/binary.ts';
import { startEmbedded, type EmbeddedServer } from '../embedded/server.ts';
import { fromMongoError } from '../errors/mongo-errors.ts';
import type { Log } from '../log/log.ts';
import { connect } from '../mongo/connect.ts';
import { Secret } from '../redaction/secret.ts';

export interface CopyServerOptions {
  /** That was backed up: the same version is started where it can be had, and knows only what that server was allowed to use. */
  readonly like: Pick<Manifest['server'], 'version' | 'featureVersion'>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where the server binary is kept between runs. */
  readonly remoteCache?: RemoteCache | undefined;
  readonly log: Log;
}

/** A server of its own for the documents of a backup. Throws `embedded/*`. */
export async function startCopyServer({ like, env, remoteCache, log }: CopyServerOptions): Promise<EmbeddedServer> {
  const binary = await ensureBinary({ env, log, remoteCache, version: like.version });
  log.info(`Starting a server for the copy: mongod ${binary.version} (${binary.source})`);
  const server = await startEmbedded({
    binary: binary.path,
    topology: { kind: 'replica-set', members: 1 },
    parameters,
    cacheGigabytes: cacheGigabytes(),
  });
  try {
    if (like.featureVersion !== undefined && !binary.version.startsWith(`${like.featureVersion}.`))
      await setFeatureVersion(server, like.featureVersion, log);
    return server;
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** A server that was upgraded, and not told so yet, refuses what is new: the copy must as well. Another series may not take the version. */
async function setFeatureVersion({ uri }: EmbeddedServer, version: string, log: Log): Promise<void> {
  await using connection = await connect(new Secret(uri));
  const confirm = Number.parseInt(connection.serverVersion, 10) >= 7 ? { confirm: true } : {};
  try {
    await connection.client.db('admin').command({ setFeatureCompatibilityVersion: version, ...confirm });
    log.info(`The copy has the featureCompatibilityVersion ${version}, as its source.`);
  } catch (error) {
    if (!(error instanceof MongoServerError)) throw fromMongoError(error, 'Starting the server of the copy');
    log.notice(`The copy cannot have the featureCompatibilityVersion ${version} of its source: what is newer does not fail there.`);
  }
}

/** Writes can be made to fail, and what is due by a TTL index stays until the end: it would disturb what is compared. */
const parameters = { enableTestCommands: 1, ttlMonitorEnabled: false };

/** A quarter of the memory, for there are the action and its migrations too; more than 4 GB is not needed to hold what is worked on. */
function cacheGigabytes(): number {
  return Math.min(4, Math.max(1, Math.round(totalmem() / 2 ** 30 / 4)));
}
