// Passes review and an empty database. The author meant "orders that are archived"; orders from before the field existed match too, and
// are a third of all. And the API still reads `total`.
module.exports = {
  async up(db) {
    const orders = db.collection('deliveryorders');
    await orders.deleteMany({ archived: { $ne: false } });
    await orders.updateMany({}, { $rename: { total: 'amount' } });
  },

  async down(db) {
    await db.collection('deliveryorders').updateMany({}, { $rename: { amount: 'total' } });
  },
};
