/** The methods of MongoDB's Node driver (3 to 7) that matter here, by what they are called on. */
export const promising: Readonly<Record<string, ReadonlySet<string>>> = {
  collection: new Set(
    `insertOne insertMany insert save updateOne updateMany update replaceOne deleteOne deleteMany remove bulkWrite findOne findOneAndUpdate
    findOneAndDelete findOneAndReplace countDocuments estimatedDocumentCount count distinct createIndex createIndexes ensureIndex dropIndex
    dropIndexes drop rename indexes indexExists indexInformation isCapped options mapReduce reIndex createSearchIndex createSearchIndexes
    updateSearchIndex dropSearchIndex`.split(/\s+/),
  ),
  database: new Set(
    `createCollection dropCollection dropDatabase renameCollection command collections createIndex eval executeDbAdminCommand
    indexInformation stats runCursorCommand`.split(/\s+/),
  ),
  client: new Set(['connect', 'close', 'withSession', 'bulkWrite']),
  session: new Set(['withTransaction', 'commitTransaction', 'abortTransaction', 'endSession']),
  admin: new Set(['command', 'validateCollection', 'listDatabases', 'buildInfo', 'serverStatus', 'removeUser']),
  cursor: new Set(['toArray', 'next', 'hasNext', 'forEach', 'close', 'count', 'explain']),
  bulk: new Set(['execute']),
};

/** Methods of collections that read or write documents, with the position of their options. */
export const optionsPosition: Readonly<Record<string, number>> = {
  insertOne: 1,
  insertMany: 1,
  updateOne: 2,
  updateMany: 2,
  replaceOne: 2,
  deleteOne: 1,
  deleteMany: 1,
  bulkWrite: 1,
  find: 1,
  findOne: 1,
  findOneAndUpdate: 2,
  findOneAndDelete: 1,
  findOneAndReplace: 2,
  aggregate: 1,
  countDocuments: 1,
  distinct: 2,
};

/** Changes of structure, as methods and as commands. */
export const structural: ReadonlySet<string> = new Set(
  `createIndex createIndexes ensureIndex dropIndex dropIndexes drop rename createCollection dropCollection renameCollection dropDatabase
  create collMod createSearchIndex createSearchIndexes`.split(/\s+/),
);

/** Writes of documents. */
export const writing: ReadonlySet<string> = new Set(
  `insertOne insertMany insert save updateOne updateMany update replaceOne deleteOne deleteMany remove bulkWrite findOneAndUpdate
  findOneAndDelete findOneAndReplace`.split(/\s+/),
);
