import { setTimeout as sleep } from 'node:timers/promises';
import { GuardError, toError } from '../errors/guard-error.ts';
import { launchWatchdog } from './watchdog.ts';

export type Topology = { readonly kind: 'standalone' } | { readonly kind: 'replica-set'; readonly members: 1 | 3 };

export interface EmbeddedOptions {
  /** Path of `mongod`, from `ensureBinary`. */
  readonly binary: string;
  readonly topology: Topology;
  /** Server parameters, given at start as `--setParameter name=value`. */
  readonly parameters?: Readonly<Record<string, string | number | boolean>>;
  /** WiredTiger cache of each member, gigabytes; default 0.25. */
  readonly cacheGigabytes?: number;
  /** Further command-line arguments of each member. */
  readonly args?: readonly string[];
  /** Switches access control on, with a user `root` who may do everything. */
  readonly rootPassword?: string;
}

export interface EmbeddedServer extends AsyncDisposable {
  readonly uri: string;
  /** Stops every member and removes its temporary files. Safe to call twice. */
  stop(): Promise<void>;
}

/**
 * Starts a throw-away server on loopback in a temporary folder. It ends with `stop()`, and by a watchdog process when this process is
 * killed. Throws `embedded/start-failed`.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedServer> {
  const { MongoMemoryReplSet, MongoMemoryServer } = await import('mongodb-memory-server-core');
  await adaptMemoryServer();
  const binary = { systemBinary: options.binary };
  const args = commandLine(options);
  const { rootPassword } = options;
  const auth = rootPassword === undefined ? {} : { auth: { enable: true, customRootName: 'root', customRootPwd: rootPassword } };
  try {
    if (options.topology.kind === 'standalone') {
      const server = await MongoMemoryServer.create({ binary, instance: { args, storageEngine: 'wiredTiger' }, ...auth });
      return handle(`${server.getUri()}?directConnection=true`, () => server.stop({ doCleanup: true, force: true }));
    }
    const replSet = { name: 'rs0', count: options.topology.members, args, storageEngine: 'wiredTiger' as const, ...auth };
    const set = await MongoMemoryReplSet.create({ binary, replSet });
    return handle(set.getUri(), () => set.stop({ doCleanup: true, force: true }));
  } catch (error) {
    throw new GuardError('embedded/start-failed', `The embedded MongoDB server did not start: ${toError(error).message.split('\n')[0]}`, {
      cause: error,
    });
  }
}

/** Any version of the given binary will do, and the watchdog is ours. */
async function adaptMemoryServer(): Promise<void> {
  const { MongoInstance } = await import('mongodb-memory-server-core/lib/util/MongoInstance.js');
  const { ResolveConfigVariables, setDefaultValue } = await import('mongodb-memory-server-core/lib/util/resolveConfig.js');
  setDefaultValue(ResolveConfigVariables.SYSTEM_BINARY_VERSION_CHECK, 'false');
  MongoInstance.prototype._launchKiller = function launch(_parent, pid) {
    const { dbPath } = this.instanceOpts;
    return launchWatchdog(pid, dbPath?.includes('mongo-mem-') === true ? dbPath : undefined);
  };
}

function commandLine(options: EmbeddedOptions): string[] {
  const parameters = { diagnosticDataCollectionEnabled: false, ...options.parameters };
  return [
    '--wiredTigerCacheSizeGB',
    String(options.cacheGigabytes ?? 0.25),
    // A killed server leaves its socket file behind.
    ...(process.platform === 'win32' ? [] : ['--nounixsocket']),
    ...Object.entries(parameters).flatMap(([name, value]) => ['--setParameter', `${name}=${value}`]),
    ...(options.args ?? []),
  ];
}

function handle(uri: string, stopServer: () => Promise<unknown>): EmbeddedServer {
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopped ??= stopServer().then(() => sleep(0)));
  return { uri, stop, [Symbol.asyncDispose]: stop };
}
