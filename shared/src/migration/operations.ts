import type { Binary, Document, MongoClient } from 'mongodb';
import type { Log } from '../log/log.ts';
import { toError } from '../errors/guard-error.ts';

/**
 * Stops on the server what a killed process left there, by its `appName` or by a filter of `$currentOp`: an operation goes on although the
 * connection is gone, and a transaction stays open, with its locks, for a minute. Returns the number of both.
 */
export async function stopOperations(client: MongoClient, which: string | Document, log: Log): Promise<number> {
  try {
    const admin = client.db('admin');
    const list = { $currentOp: { allUsers: false, idleSessions: true } };
    const left = {
      $match: { ...(typeof which === 'string' ? { appName: which } : which), $or: [{ active: true }, { transaction: { $exists: true } }] },
    };
    const running = await admin.aggregate<Running>([list, left]).toArray();
    for (const { opid } of running) if (opid !== undefined) await admin.command({ killOp: 1, op: opid });
    const sessions = running.flatMap(({ lsid, transaction }) => (lsid === undefined || transaction === undefined ? [] : [{ id: lsid.id }]));
    if (sessions.length > 0) await admin.command({ killSessions: sessions });
    return running.length;
  } catch (error) {
    log.warning(`Operations of the stopped migration may still run on the server: ${toError(error).name}.`);
    return 0;
  }
}

interface Running {
  readonly opid?: number | string;
  readonly lsid?: { readonly id: Binary };
  readonly transaction?: object;
}
