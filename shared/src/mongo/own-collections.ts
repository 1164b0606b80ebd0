/** The collections that Migration Guard itself keeps in a target database. They are in no backup, no census and no comparison. */
export const ownCollections = [
  'migration_lock',
  'migration_journal',
  'migration_writes',
  'migration_structure',
  'migration_rollback_points',
  'migration_reports',
  'migration_maintenance',
] as const;

/** Start of the names of the shadow collections that a restore fills before it renames them; left behind only by a killed run. */
export const shadowPrefix = 'migration_restore_';

/** Whether `name` is kept by Migration Guard and therefore no data of the user. The changelog of the migrations is the user's data. */
export function isOwnCollection(name: string): boolean {
  return (ownCollections as readonly string[]).includes(name) || name.startsWith(shadowPrefix);
}
