import { GuardError } from '../errors/guard-error.ts';
import { isPartial, manifestPath } from './manifest.ts';
import type { ListedBackup } from './list.ts';
import type { BackupStore, Lock } from './store.ts';

/** How many backups are kept: the newest ones, all of some days, and one for each of some days, weeks or months. */
export interface KeepRules {
  readonly last: number;
  /** All backups of the last so many days. */
  readonly days: number;
  readonly weekly: number;
  readonly monthly: number;
}

const ruleNames = ['last', 'days', 'weekly', 'monthly'] as const;
const day = 86_400_000;

/** Reads rules such as `last: 3` or `days: 7`, one an item. Throws `input/invalid`. */
export function parseKeep(rules: readonly string[]): KeepRules {
  const keep = { last: 0, days: 0, weekly: 0, monthly: 0 };
  for (const rule of rules) {
    const [, name, count] = /^(\w+)\s*[:=]\s*(\d+)$/.exec(rule) ?? [];
    const known = ruleNames.find((candidate) => candidate === name);
    if (known === undefined)
      throw new GuardError('input/invalid', `keep: "${rule}" is not one of ${ruleNames.join(', ')} with a number, such as days: 7.`);
    keep[known] = Number(count);
  }
  return keep;
}

/** The plan without what cannot be removed because the store keeps it locked. */
export async function leaveLocked(
  store: BackupStore,
  { remove, keep }: PrunePlan,
): Promise<PrunePlan & { readonly locked: readonly LockedBackup[] }> {
  const locked: LockedBackup[] = [];
  for (const backup of remove) {
    const lock = await store.lockOf(backup.id);
    if (lock !== undefined) locked.push({ backup, lock });
  }
  const kept = new Set(locked.map(({ backup }) => backup));
  return { remove: remove.filter((backup) => !kept.has(backup)), keep: [...keep, ...kept].toSorted(byAge), locked };
}

/** The plan without what another tool keeps, unless it is `keeper` that is here to remove it. Pure. */
export function leaveHeld(
  { remove, keep }: PrunePlan,
  keeper: string | undefined,
): PrunePlan & { readonly held: readonly { readonly id: string; readonly by: string }[] } {
  const heldBy = (backup: ListedBackup): string | undefined => (backup.status === 'committed' ? backup.manifest.held?.engine : undefined);
  const stays = remove.filter((backup) => heldBy(backup) !== undefined && heldBy(backup) !== keeper);
  const held = stays.map((backup) => ({ id: backup.id, by: heldBy(backup) ?? '' }));
  return { remove: remove.filter((backup) => !stays.includes(backup)), keep: [...keep, ...stays].toSorted(byAge), held };
}

const byAge = (a: ListedBackup, b: ListedBackup): number => (a.id < b.id ? -1 : 1);

export interface LockedBackup {
  readonly backup: ListedBackup;
  readonly lock: Lock;
}

export interface PrunePlan {
  readonly remove: readonly ListedBackup[];
  readonly keep: readonly ListedBackup[];
}

/**
 * What may go. Always kept: the newest backup, the newest proven one that holds all of its documents, damaged ones (a person should look at them), and unfinished ones
 * younger than a day (they may still run). Pure; `backups` oldest first.
 */
export function planPrune(backups: readonly ListedBackup[], rules: KeepRules, now: Date): PrunePlan {
  const committed = backups.filter((backup) => backup.status === 'committed').toReversed();
  const kept = new Set<ListedBackup>(committed.slice(0, Math.max(rules.last, 1)));
  const whole = committed.filter(({ manifest }) => !isPartial(manifest));
  for (const always of [whole[0], whole.find(({ proof }) => proof !== undefined)]) if (always !== undefined) kept.add(always);
  for (const backup of committed) if (now.getTime() - timeOf(backup).getTime() < rules.days * day) kept.add(backup);
  for (const backup of newestOfEach(committed, weekOf).slice(0, rules.weekly)) kept.add(backup);
  for (const backup of newestOfEach(committed, (backup) => backup.id.slice(0, 6)).slice(0, rules.monthly)) kept.add(backup);
  for (const backup of backups) {
    if (backup.status === 'damaged') kept.add(backup);
    if (backup.status === 'unfinished' && now.getTime() - timeOf(backup).getTime() < day) kept.add(backup);
  }
  return { remove: backups.filter((backup) => !kept.has(backup)), keep: backups.filter((backup) => kept.has(backup)) };
}

/** Removes a backup, its manifest first: what is left after an interruption does not count as a backup. */
export async function removeBackup(store: BackupStore, id: string): Promise<void> {
  await store.remove(manifestPath(id));
  await store.remove(id);
}

/** The time in an id: `20260802T142530Z-3f9c1b`. */
function timeOf({ id }: Pick<ListedBackup, 'id'>): Date {
  return new Date(id.replace(/^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z.*$/, '$1-$2-$3T$4:$5:$6Z'));
}

function newestOfEach(backups: readonly ListedBackup[], groupOf: (backup: ListedBackup) => string): readonly ListedBackup[] {
  return [...Map.groupBy(backups, groupOf).values()].flatMap((group) => group.slice(0, 1));
}

/** The Monday of the week, UTC. */
function weekOf(backup: ListedBackup): string {
  const time = timeOf(backup);
  const monday = time.getTime() - ((time.getUTCDay() + 6) % 7) * day;
  return new Date(monday).toISOString().slice(0, 10);
}
