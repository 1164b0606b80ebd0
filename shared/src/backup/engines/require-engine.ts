import { GuardError } from '../../errors/guard-error.ts';
import type { Connection } from '../../mongo/connect.ts';

/**
 * Throws `engine/needed` for a sharded cluster: what mongos shows at one time is not all that a restore needs (shard keys, zones, chunks,
 * transactions across shards), so only engines that know every shard take and restore it.
 */
export function requireEngine(topology: Connection['topology']): void {
  if (topology !== 'sharded') return;
  throw new GuardError(
    'engine/needed',
    'The server is a sharded cluster, which neither `engine: native` nor `mongodump` can handle exactly.',
  );
}
