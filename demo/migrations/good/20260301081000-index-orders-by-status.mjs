const name = 'status_newest';

export async function up(db) {
  await db.collection('deliveryorders').createIndex({ status: 1, createdAt: -1 }, { name });
}

export async function down(db) {
  await db.collection('deliveryorders').dropIndex(name);
}
