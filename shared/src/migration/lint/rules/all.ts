import type { FileRule, FolderRule } from '../rule.ts';
import { rename } from './mc201-rename.ts';
import { typeChange } from './mc202-type-change.ts';
import { requiredWithBackfill } from './mc203-required-with-backfill.ts';
import { droppedIndex } from './mc204-dropped-index.ts';
import { expandAndContract } from './mc206-expand-and-contract.ts';
import { dropDatabase } from './md101-drop-database.ts';
import { dropCollection } from './md102-drop-collection.ts';
import { deleteEverything } from './md103-delete-everything.ts';
import { lostField } from './md104-lost-field.ts';
import { replacedCollection } from './md105-replaced-collection.ts';
import { droppedTarget } from './md106-dropped-target.ts';
import { ttlIndex } from './md108-ttl-index.ts';
import { collation } from './mf305-collation.ts';
import { notRepeatable } from './mf308-not-repeatable.ts';
import { noBatches } from './mp401-no-batches.ts';
import { notExcluded } from './mp404-not-excluded.ts';
import { indexLoad } from './mp405-index-load.ts';
import { blockingCommand } from './mp407-blocking-command.ts';
import { allInMemory } from './mp408-all-in-memory.ts';
import { missingAwait } from './ms601-missing-await.ts';
import { noDown } from './ms602-no-down.ts';
import { oneValueForAll } from './ms604-one-value-for-all.ts';
import { models } from './ms605-models.ts';
import { serverJavaScript } from './ms606-server-javascript.ts';
import { foreignTarget } from './ms607-foreign-target.ts';
import { outsideWorld } from './ms608-outside-world.ts';
import { structureInTransaction } from './mt501-structure-in-transaction.ts';
import { sessionNotPassed } from './mt503-session-not-passed.ts';
import { repeatedSideEffect } from './mt504-repeated-side-effect.ts';
import { serverVersion } from './mv901-server-version.ts';
import { shardKey } from './mx801-shard-key.ts';
import { sharding } from './mx802-sharding.ts';
import { names } from './mn703-names.ts';

/** Every rule about one migration. A new rule: its file, and its line here. */
export const fileRules: readonly FileRule[] = [
  dropDatabase,
  dropCollection,
  deleteEverything,
  lostField,
  replacedCollection,
  droppedTarget,
  ttlIndex,
  rename,
  typeChange,
  requiredWithBackfill,
  droppedIndex,
  expandAndContract,
  collation,
  notRepeatable,
  noBatches,
  notExcluded,
  indexLoad,
  blockingCommand,
  allInMemory,
  structureInTransaction,
  sessionNotPassed,
  repeatedSideEffect,
  missingAwait,
  noDown,
  oneValueForAll,
  models,
  serverJavaScript,
  foreignTarget,
  outsideWorld,
  shardKey,
  sharding,
  serverVersion,
];

/** Every rule about the names in the folder. */
export const folderRules: readonly FolderRule[] = [names];
