import { AsyncLocalStorage } from 'node:async_hooks';
import type { ClientSession, ClientSessionOptions, MongoClient } from 'mongodb';
import type { DriverModule } from './driver.ts';
import { placeOf } from './fault.ts';
import type { Fault } from './protocol.ts';

export type CallSite = Pick<Fault, 'file' | 'line' | 'column'>;

/** The stacks of the operations under way: taken always, written out only when somebody looks. */
const traces = new AsyncLocalStorage<Error>();
const given = new AsyncLocalStorage<ClientSession>();

/** What a client's operations get that name no session of their own. */
export interface Sessions {
  /** Every operation that `body` starts and that names no session runs in `session`. */
  within<T>(session: ClientSession, body: () => Promise<T>): Promise<T>;
}

/** `explicit` is what the driver says when it asks for itself. */
type SessionOptions = ClientSessionOptions & { readonly explicit?: boolean };

/**
 * Answers the driver's own request for a session, which each operation and cursor without one makes: so a migration that knows nothing of
 * sessions still runs inside of a transaction. Drivers 4 to 7 ask with `startSession({ explicit: false })`; whatever should get around it
 * is found in the commands themselves (transaction.ts).
 */
export function interceptSessions(client: MongoClient, driver: Pick<DriverModule, 'Db' | 'Collection'>): Sessions {
  const start = client.startSession.bind(client);
  let inUse: ClientSession | undefined;
  client.startSession = (options?: SessionOptions): ClientSession => {
    if (options?.explicit !== false) return start(options);
    traces.enterWith(new Error('call site'));
    return given.getStore() ?? inUse ?? start(options);
  };
  const lent = (): boolean => (given.getStore() ?? inUse) !== undefined;
  for (const { prototype } of [driver.Db, driver.Collection]) withoutConcern(prototype, lent);
  return {
    within: async (session, body) => {
      // Callbacks of old drivers lose the asynchronous context: then the session that is in use counts.
      const before = inUse;
      inUse = session;
      const end = session.endSession.bind(session);
      // A bulk write ends the session that it asked for: this one is only lent.
      session.endSession = () => Promise.resolve();
      try {
        return await given.run(session, body);
      } finally {
        inUse = before;
        session.endSession = end;
      }
    },
  };
}

/**
 * Commands in a transaction must not say a write concern: that of the commit counts. Drivers 4 and 5 decide by the session that the caller
 * names, so what collection and database say is hidden while a session is lent.
 */
function withoutConcern(prototype: object, hidden: () => boolean): void {
  const property = Object.getOwnPropertyDescriptor(prototype, 'writeConcern');
  if (property?.get === undefined) return;
  Object.defineProperty(prototype, 'writeConcern', {
    ...property,
    get(this: object): unknown {
      return hidden() ? undefined : (property.get?.call(this) as unknown);
    },
  });
}

/** The stack of the operation whose command is being sent, for listeners of `commandStarted`. */
export function currentTrace(): Error | undefined {
  return traces.getStore();
}

/** The line in `folder` that asked for an operation, from its stack; writing the stack out is what costs. */
export function siteOf(trace: Error | undefined, folder: string): CallSite | undefined {
  const place = placeOf(trace, folder);
  return place?.file?.startsWith(folder) === true ? place : undefined;
}
