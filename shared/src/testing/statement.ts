import type { Statement } from '../migration/observation.ts';

/** A statement of a migration on the orders of a shop that found nothing to change, for tests that say what theirs did. */
export const emptyStatement: Statement = {
  command: 'update',
  database: 'shop',
  collection: 'orders',
  filter: '',
  change: [],
  multi: false,
  upsert: false,
  unlimited: false,
  commands: 1,
  statements: 1,
  milliseconds: 0,
  longest: 0,
  matched: 0,
  modified: 0,
  inserted: 0,
  deleted: 0,
  returned: 0,
  errors: 0,
  inTransaction: 0,
};
