import path from 'node:path';

/** A folder of the data of others on which conformance is tested. */
export function conformanceFolder(name: string): string {
  const root = process.env['MIGRATION_GUARD_CONFORMANCE'];
  if (root === undefined) throw new Error('MIGRATION_GUARD_CONFORMANCE is not set: start these tests by .ci/run, or set it.');
  return path.join(root, name);
}
