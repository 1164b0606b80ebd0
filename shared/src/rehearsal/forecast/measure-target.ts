import type { Db } from 'mongodb';
import { fromMongoError } from '../../errors/mongo-errors.ts';
import type { Log } from '../../log/log.ts';
import { readSizes } from '../../mongo/collection-sizes.ts';
import { readOplogWindow } from '../../mongo/oplog-window.ts';
import type { TargetMeasures } from './forecast.ts';

const pings = 5;

/**
 * Asks the target how large these collections are, how long an answer takes and how far its oplog reaches. It only reads; what the user
 * may not read is left out and said. Throws as `fromMongoError` does.
 */
export async function measureTarget(db: Db, names: readonly string[], log: Log): Promise<TargetMeasures> {
  try {
    const [sizes, roundTrip] = [await readSizes(db, names), await roundTripOf(db)];
    const oplog = await readOplogWindow(db.client).catch(() => {
      log.info('The user may not read the oplog of the target: its window is not part of the forecast.');
      return undefined;
    });
    return { sizes, roundTrip, oplog };
  } catch (error) {
    throw fromMongoError(error, 'Measuring the target');
  }
}

async function roundTripOf(db: Db): Promise<number> {
  const times: number[] = [];
  for (let count = 0; count < pings; count++) {
    const startedAt = performance.now();
    await db.command({ ping: 1 });
    times.push(performance.now() - startedAt);
  }
  return times.sort((a, b) => a - b)[Math.floor(pings / 2)] ?? 0;
}
