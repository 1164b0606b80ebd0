import type { Db } from 'mongodb';

type Status = 'available' | 'offline';

const statusOf: readonly { readonly online: boolean; readonly status: Status }[] = [
  { online: true, status: 'available' },
  { online: false, status: 'offline' },
];

export async function up(db: Db): Promise<void> {
  for (const { online, status } of statusOf) {
    await db.collection('drivers').updateMany({ online, status: { $exists: false } }, { $set: { status } });
  }
}

export async function down(db: Db): Promise<void> {
  await db.collection('drivers').updateMany({}, { $unset: { status: '' } });
}
