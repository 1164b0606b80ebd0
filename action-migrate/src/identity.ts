import type { LockToken } from '@migration-guard/shared/migration/lock';

/** Name under which the lock's token is kept for the post step. */
export const lockState = 'migration-lock';
/** The same of the copy of a rehearsal. */
export const copyState = 'rehearsal-copy';

/** Application name of the connection of migrations, by which the server's list of operations knows them. */
export function appNameOf({ holder, fence }: Pick<LockToken, 'holder' | 'fence'>): string {
  return `migration-guard/${holder}/${fence}`;
}
