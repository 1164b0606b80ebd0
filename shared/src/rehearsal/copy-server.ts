import { totalmem } from 'node:os';
import { ensureBinary, type RemoteCache } from '../embedded/binary.ts';
import { startEmbedded, type EmbeddedServer } from '../embedded/server.ts';
import type { Log } from '../log/log.ts';

export interface CopyServerOptions {
  /** Of the server that was backed up, for example `6.0.5`: the same one is started where it can be had. */
  readonly version: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where the server binary is kept between runs. */
  readonly remoteCache?: RemoteCache | undefined;
  readonly log: Log;
}

/** A server of its own for the documents of a backup. Throws `embedded/*`. */
export async function startCopyServer({ version, env, remoteCache, log }: CopyServerOptions): Promise<EmbeddedServer> {
  const binary = await ensureBinary({ env, log, remoteCache, version });
  log.info(`Starting a server for the copy: mongod ${binary.version} (${binary.source})`);
  return await startEmbedded({
    binary: binary.path,
    topology: { kind: 'replica-set', members: 1 },
    parameters,
    cacheGigabytes: cacheGigabytes(),
  });
}

/** Writes can be made to fail, and what is due by a TTL index stays until the end: it would disturb what is compared. */
const parameters = { enableTestCommands: 1, ttlMonitorEnabled: false };

/** A quarter of the memory, for there are the action and its migrations too; more than 4 GB is not needed to hold what is worked on. */
function cacheGigabytes(): number {
  return Math.min(4, Math.max(1, Math.round(totalmem() / 2 ** 30 / 4)));
}
