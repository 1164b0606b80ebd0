import { registerHooks } from 'node:module';
import type { MongoClient } from 'mongodb';
import type { Driver } from './driver.ts';

type ParseOptions = (uri: string, client: MongoClient | undefined, options?: object) => object;

const globalKey = Symbol.for('migration-guard.other-clients');
/** The file in which every driver since 4.0 reads its connection string. */
const parserFile = /\/node_modules\/mongodb\/lib\/connection_string\.js$/;

/**
 * Tells of each client that a migration makes itself, with its commands monitored: of every driver that is loaded from a file, also that of
 * an object mapper. Returns what does the same to the bundled driver.
 */
export function watchOtherClients(onClient: (client: MongoClient) => void): (driver: Driver) => Driver {
  const patch = (parser: { parseOptions: ParseOptions }): void => {
    const original = parser.parseOptions;
    parser.parseOptions = (uri, client, options = {}) => {
      const parsed = original(uri, client, { ...options, monitorCommands: true });
      if (client !== undefined) onClient(client);
      return parsed;
    };
  };
  Object.assign(globalThis, { [globalKey]: patch });
  registerHooks({
    load(url, context, next) {
      const loaded = next(url, context);
      if (!parserFile.test(url) || loaded.source === undefined || loaded.source === null) return loaded;
      const source = typeof loaded.source === 'string' ? loaded.source : Buffer.from(loaded.source as Uint8Array).toString('utf8');
      return { ...loaded, source: `${source}\n;globalThis[Symbol.for('migration-guard.other-clients')](exports);` };
    },
  });
  return (driver) => {
    if (driver.file !== undefined) return driver;
    const { MongoClient: Client } = driver.module;
    class WatchedClient extends Client {
      constructor(uri: string, options: object = {}) {
        super(uri, { ...options, monitorCommands: true });
        onClient(this);
      }
    }
    return { ...driver, module: { ...driver.module, MongoClient: WatchedClient } };
  };
}
