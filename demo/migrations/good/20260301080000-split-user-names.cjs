// First half of an expand/contract change: the parts are added beside `name`, which goes in a later release.
module.exports = {
  async up(db) {
    const words = { $split: ['$name', ' '] };
    await db
      .collection('users')
      .updateMany({ firstName: { $exists: false } }, [{ $set: { firstName: { $first: words }, lastName: { $last: words } } }]);
  },

  async down(db) {
    await db.collection('users').updateMany({}, { $unset: { firstName: '', lastName: '' } });
  },
};
