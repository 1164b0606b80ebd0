import type { Document, MongoClient } from 'mongodb';
import type { Log } from '../log/log.ts';
import { toError } from '../errors/guard-error.ts';

/**
 * Stops on the server what a killed process left running there, by its `appName` or by a filter of `$currentOp`: the server goes on with a write although the
 * connection is gone. Returns the number of stopped operations.
 */
export async function stopOperations(client: MongoClient, which: string | Document, log: Log): Promise<number> {
  try {
    const admin = client.db('admin');
    const running = await admin
      .aggregate<{ opid: number | string }>([
        { $currentOp: { allUsers: false } },
        { $match: { ...(typeof which === 'string' ? { appName: which } : which), active: true } },
      ])
      .toArray();
    for (const { opid } of running) await admin.command({ killOp: 1, op: opid });
    return running.length;
  } catch (error) {
    log.warning(`Operations of the stopped migration may still run on the server: ${toError(error).name}.`);
    return 0;
  }
}
