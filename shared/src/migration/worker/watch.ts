import type { MongoClient } from 'mongodb';
import type { Observation } from '../observation.ts';
import type { Driver } from './driver.ts';
import { raiseFence } from './fence/fence.ts';
import type { Refusal } from './fence/policy.ts';
import type { Requests } from './protocol.ts';
import { createObserver, type Observer } from './observer.ts';

/** What the worker does more while migrations are rehearsed: it reaches nothing but the copy, and keeps what is sent there. */
export interface Watch {
  /** The driver with clients that are watched. */
  adopt(driver: Driver): Driver;
  /** A run begins. */
  begin(): void;
  observation(): Observation;
}

export interface WatchOptions {
  /** Path of the migration that is loaded or run now. */
  readonly current: () => string | undefined;
  /** Fails the run of the migration. */
  readonly fail: (error: Error) => void;
  readonly tell: (refusal: Refusal) => void;
}

export function startWatch({ policy, folder }: Requests['watch']['ask'], { current, fail, tell }: WatchOptions): Watch {
  const early: MongoClient[] = [];
  let observer: Observer | undefined;
  const fence = raiseFence({
    policy,
    folder: () => folder,
    current,
    onRefusal: (refusal, error) => {
      tell(refusal);
      fail(error);
    },
    onClient: (client) => (observer === undefined ? early.push(client) : observer.watch(client)),
  });
  return {
    adopt(driver) {
      const adopted = fence.adopt(driver);
      observer = createObserver(driver.module.BSON);
      for (const client of early.splice(0)) observer.watch(client);
      return adopted;
    },
    begin: () => observer?.begin(folder),
    observation: () => observer?.observation() ?? { statements: [], transactions: [], unrecorded: 0 },
  };
}
