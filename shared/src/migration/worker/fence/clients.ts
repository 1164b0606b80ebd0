import { createRequire, registerHooks } from 'node:module';
import path from 'node:path';
import type { Db, MongoClient, MongoClientOptions } from 'mongodb';
import type { Driver } from '../driver.ts';
import { hostsOfUri, isListed, mappedUri, type Address, type FencePolicy } from './policy.ts';
import { placeHere, type Place } from './refuse.ts';

export interface ClientFence {
  readonly policy: FencePolicy;
  /** The folder of the migrations. */
  readonly folder: () => string;
  /** Told of each client that is made, whoever makes it. */
  readonly onClient: (client: MongoClient) => void;
}

export interface FencedClients {
  /** The driver with a `MongoClient` that keeps to the fence. */
  adopt(driver: Driver): Driver;
  /** Where a client of this address was made. */
  placeOfClient(address: Address): Place | undefined;
}

type ParseOptions = (uri: string, client: MongoClient | undefined, options?: object) => object;
interface ConnectionStrings {
  parseOptions: ParseOptions;
}

const globalKey = Symbol.for('migration-guard.clients');
/** The file in which every driver since 4.0 reads its connection string, whatever the name under which it is installed. */
const parserFile = /\/node_modules\/[^/]+\/lib\/connection_string\.js$/;
/** Options that belong to the server that a client was meant for. */
const ofServer = /^(auth|tls|ssl|replicaSet$|directConnection$|loadBalanced$|srv|proxy|compressors$|zlib|key$|cert$|ca$|pfx$|passphrase$)/;

/**
 * Clients of mapped hosts are sent to the copy, and databases get the names that they have there. It reaches every driver that is loaded
 * from a file, also that of an object mapper, at the place where it reads its connection string; the bundled one by a class of its own.
 */
export function fenceClients(fence: ClientFence): FencedClients {
  const places: Places = [];
  const adopted = new WeakSet<MongoClient>();
  const adoptOnce = (client: MongoClient): void => {
    if (!adopted.has(client)) adoptClient(client, fence);
    adopted.add(client);
  };
  const patch = (parser: ConnectionStrings): void => {
    const original = parser.parseOptions;
    parser.parseOptions = (uri, client, options = {}) => {
      if (client === undefined) return original(uri, client, options);
      remember(uri, fence, places);
      const [mapped, changed] = mapClient(uri, options, fence.policy);
      const parsed = original(mapped, client, changed);
      adoptOnce(client);
      return parsed;
    };
  };
  Object.assign(globalThis, { [globalKey]: patch });
  registerHooks({
    load(url, context, next) {
      const loaded = next(url, context);
      if (!parserFile.test(url) || loaded.source === undefined || loaded.source === null) return loaded;
      const source = typeof loaded.source === 'string' ? loaded.source : Buffer.from(loaded.source as Uint8Array).toString('utf8');
      if (!source.includes('exports.parseOptions')) return loaded;
      return { ...loaded, source: `${source}\n;globalThis[Symbol.for('migration-guard.clients')](exports);` };
    },
  });
  return {
    adopt: (driver) =>
      driver.file === undefined
        ? { ...driver, module: withFencedClient(driver.module, { ...fence, places, adoptOnce }) }
        : patched(driver, patch),
    placeOfClient: ({ host, port }) =>
      places.find(({ hosts }) => hosts.some((made) => made.host === host && (made.port ?? port) === port))?.place,
  };
}

/** The driver of the project was loaded before the fence was there. */
function patched(driver: Driver, patch: (parser: ConnectionStrings) => void): Driver {
  const { file = '' } = driver;
  patch(createRequire(file)(path.join(path.dirname(file), 'connection_string.js')) as ConnectionStrings);
  return driver;
}

type Places = { readonly hosts: readonly Address[]; readonly place: Place }[];

interface Fencing extends ClientFence {
  readonly places: Places;
  readonly adoptOnce: (client: MongoClient) => void;
}

function withFencedClient(module: Driver['module'], { places, adoptOnce, ...fence }: Fencing): Driver['module'] {
  class FencedClient extends module.MongoClient {
    constructor(uri: string, options: MongoClientOptions = {}) {
      remember(uri, fence, places);
      const [mapped, changed] = mapClient(uri, options, fence.policy);
      super(mapped, changed);
      adoptOnce(this);
    }

    static override async connect(uri: string, options?: MongoClientOptions): Promise<MongoClient> {
      return new FencedClient(uri, options).connect();
    }
  }
  Object.defineProperty(FencedClient, 'name', { value: 'MongoClient' });
  return { ...module, MongoClient: FencedClient };
}

function remember(uri: string, { folder }: ClientFence, places: Places): void {
  const place = placeHere(new Error('place'), folder());
  const hosts = hostsOfUri(uri);
  if (place !== undefined && hosts !== undefined) places.push({ hosts, place });
}

function mapClient(uri: string, options: object, policy: FencePolicy): readonly [string, object] {
  const mapped = mappedUri(uri, policy);
  const hosts = hostsOfUri(uri) ?? [];
  const isCopy = mapped !== undefined || hosts.some((host) => isListed(host, policy.copyHosts));
  if (!isCopy) return [uri, options];
  const kept = mapped === undefined ? options : Object.fromEntries(Object.entries(options).filter(([name]) => !ofServer.test(name)));
  // Compressed commands could not be looked into.
  return [mapped ?? uri, { ...kept, appName: policy.appName, monitorCommands: true, compressors: ['none'] }];
}

function adoptClient(client: MongoClient, { policy, onClient }: ClientFence): void {
  const db = client.db.bind(client);
  const onCopy = (name?: string): string | undefined => (name === undefined ? undefined : (policy.databases[name] ?? name));
  client.db = (name, options): Db => {
    const opened = db(onCopy(name), options);
    return name === undefined && onCopy(opened.databaseName) !== opened.databaseName ? db(onCopy(opened.databaseName), options) : opened;
  };
  onClient(client);
}
