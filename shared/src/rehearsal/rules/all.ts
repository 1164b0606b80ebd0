import { otherType } from './mc202-other-type.ts';
import { droppedDocuments } from './md102-dropped-documents.ts';
import { deletedEverything } from './md103-deleted-everything.ts';
import { lostValues } from './md104-lost-values.ts';
import { replacedDocuments } from './md105-replaced-documents.ts';
import { replacedTarget } from './md106-replaced-target.ts';
import { growingDocuments } from './mf306-growing-documents.ts';
import { errorsIgnored } from './mf307-errors-ignored.ts';
import { oneStatement } from './mp401-one-statement.ts';
import { scans } from './mp402-scans.ts';
import { roundTrips } from './mp403-round-trips.ts';
import { longIndexBuild } from './mp405-long-index-build.ts';
import { weakWrites } from './mp409-weak-write-concern.ts';
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
  otherType,
  growingDocuments,
  errorsIgnored,
  oneStatement,
  scans,
  roundTrips,
  longIndexBuild,
  weakWrites,
  structureSeenInTransaction,
  largeTransaction,
  systemCollections,
];
