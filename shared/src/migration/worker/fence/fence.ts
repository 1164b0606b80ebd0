import type { MongoClient } from 'mongodb';
import type { Driver } from '../driver.ts';
import { fenceClients } from './clients.ts';
import { fenceCommands } from './commands.ts';
import { fenceNetwork } from './network.ts';
import type { FencePolicy } from './policy.ts';
import { fencePrograms } from './programs.ts';
import { createRefusals, type RefusalOptions } from './refuse.ts';

export interface FenceOptions extends RefusalOptions {
  readonly policy: FencePolicy;
  readonly onClient: (client: MongoClient) => void;
}

export interface Fence {
  /** The driver with a `MongoClient` that keeps to the fence. */
  adopt(driver: Driver): Driver;
}

/**
 * Shuts this process in: from now on it reaches the copy and what the policy allows. It stands against mistakes, not against malice: code
 * that digs for Node's internals or brings its own native network code gets around it.
 */
export function raiseFence({ policy, onClient, ...options }: FenceOptions): Fence {
  const refusals = createRefusals(options);
  const clients = fenceClients({ policy, folder: options.folder, onClient });
  fenceNetwork({
    policy,
    refusals,
    onCopySocket: (socket) => fenceCommands(socket, { policy, refusals }),
    placeOfClient: (address) => clients.placeOfClient(address),
  });
  fencePrograms({ policy, refusals });
  return { adopt: (driver) => clients.adopt(driver) };
}
