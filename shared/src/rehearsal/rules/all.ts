import { renamed } from './mc201-renamed.ts';
import { otherType } from './mc202-other-type.ts';
import { demandingValidator } from './mc203-demanding-validator.ts';
import { droppedIndexSeen } from './mc204-dropped-index.ts';
import { lostPlan } from './mc205-lost-plan.ts';
import { droppedDocuments } from './md102-dropped-documents.ts';
import { deletedEverything } from './md103-deleted-everything.ts';
import { lostValues } from './md104-lost-values.ts';
import { replacedDocuments } from './md105-replaced-documents.ts';
import { replacedTarget } from './md106-replaced-target.ts';
import { changedShare } from './md107-changed-share.ts';
import { nothingExpires } from './mf304-nothing-expires.ts';
import { otherCollation } from './mf305-other-collation.ts';
import { growingDocuments } from './mf306-growing-documents.ts';
import { errorsIgnored } from './mf307-errors-ignored.ts';
import { oneStatement } from './mp401-one-statement.ts';
import { scans } from './mp402-scans.ts';
import { roundTrips } from './mp403-round-trips.ts';
import { notExcludedSeen } from './mp404-not-excluded.ts';
import { longIndexBuild } from './mp405-long-index-build.ts';
import { commandOptions } from './mp409-command-options.ts';
import { systemCollections } from './ms609-system-collections.ts';
import { structureSeenInTransaction } from './mt501-structure-in-transaction.ts';
import { largeTransaction } from './mt502-large-transaction.ts';
import type { RecordedRule } from './rule.ts';

/** Every rule about what a migration was seen to do on the copy. A new rule: its file, and its line here. */
export const recordedRules: readonly RecordedRule[] = [
  droppedDocuments,
  deletedEverything,
  lostValues,
  replacedDocuments,
  replacedTarget,
  changedShare,
  renamed,
  otherType,
  demandingValidator,
  droppedIndexSeen,
  lostPlan,
  nothingExpires,
  otherCollation,
  growingDocuments,
  errorsIgnored,
  oneStatement,
  scans,
  roundTrips,
  notExcludedSeen,
  longIndexBuild,
  commandOptions,
  structureSeenInTransaction,
  largeTransaction,
  systemCollections,
];
