import type { Db } from 'mongodb';
import { formatBytes } from '../../log/format-bytes.ts';
import { readSizes } from '../../mongo/collection-sizes.ts';
import { readOplogWindow } from '../../mongo/oplog-window.ts';
import type { PrecheckAnswer, ServerPrecheck } from './precheck.ts';

type Answered = Omit<PrecheckAnswer, 'check'>;

/** Whether the server has room for what the migration adds. */
export function askServer(db: Db, check: ServerPrecheck): Promise<Answered> {
  return check.kind === 'disk' ? askDisk(db, check) : askOplog(db, check);
}

async function askDisk(db: Db, { sizes, documents, indexes }: Extract<ServerPrecheck, { kind: 'disk' }>): Promise<Answered> {
  const { dataSize, storageSize, fsTotalSize, fsUsedSize } = await db.command({ dbStats: 1 });
  if (typeof fsTotalSize !== 'number' || fsTotalSize === 0)
    return { found: undefined, message: 'Free disk: not known, the server does not tell.' };
  const packed = dataSize > 0 ? Math.min(1, storageSize / dataSize) : 1;
  const needed = (await growth(db, sizes)) * (documents * packed + indexes);
  const free = fsTotalSize - fsUsedSize;
  return {
    found: needed > free ? 1 : 0,
    message: `Free disk: ${formatBytes(free)}, the migration needs about ${formatBytes(needed)}.`,
  };
}

async function askOplog(db: Db, { sizes, bytes, milliseconds }: Extract<ServerPrecheck, { kind: 'oplog' }>): Promise<Answered> {
  const oplog = await readOplogWindow(db.client);
  if (oplog === undefined) return { found: 0, message: 'Oplog: the server has none.' };
  const scale = await growth(db, sizes);
  const over = scale * bytes >= oplog.bytes || (oplog.window > 0 && scale * milliseconds >= oplog.window);
  const window = `${formatBytes(oplog.bytes)}, ${Math.round(oplog.window / 60_000)} min`;
  const message = `Oplog: its window is ${window}; the migration writes about ${formatBytes(scale * bytes)} to it in ${Math.round((scale * milliseconds) / 1_000)} s or more. Secondaries and change streams that are behind would lose their place.`;
  return { found: over ? 1 : 0, message };
}

/** How much larger the data are here than they were on the copy. */
async function growth(db: Db, sizes: ServerPrecheck['sizes']): Promise<number> {
  const here = await readSizes(db, Object.keys(sizes));
  return Math.max(1, ...Object.entries(sizes).map(([name, bytes]) => (bytes === 0 ? 1 : (here.get(name)?.bytes ?? 0) / bytes)));
}
