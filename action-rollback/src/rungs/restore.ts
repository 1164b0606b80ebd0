import { GuardError } from '@migration-guard/shared/errors/guard-error';
import { shardedCollections } from '@migration-guard/shared/mongo/sharding';
import { estimateRestore } from '@migration-guard/shared/rollback/estimate';
import type { End, Prepared, Rung, RungName } from '@migration-guard/shared/rollback/ladder';
import { planRestore, type Loss, type RestorePlan } from '@migration-guard/shared/rollback/plan';
import { takeCensusFor } from '@migration-guard/shared/rollback/point';
import { prove } from '@migration-guard/shared/rollback/prove';
import { carryOut } from '@migration-guard/shared/rollback/restore';
import { attributeWrites, chooseBackup, type ChosenBackup, type Situation } from '../situation.ts';

/** What a restore would do now. */
export interface Assessment {
  readonly plan: RestorePlan;
  readonly backup: ChosenBackup | undefined;
  /** Why there is no backup although one is needed. */
  readonly missing: GuardError | undefined;
  /** Why nobody can tell what others wrote since; `undefined` when it is known. */
  readonly unknown: string | undefined;
}

/** Restores collections from the backup beside the old ones, proves them, and lets them take the names. */
export function restoreRung(situation: Situation, name: 'restore-collections' | 'restore'): Rung {
  return { name, prepare: async () => prepare(situation, name, await assess(situation, name)) };
}

/** Compares the database with the point, and with the backup where something has to be restored. */
export async function assess(situation: Situation, name: RungName): Promise<Assessment> {
  const { subject, context, signal } = situation;
  const { client, point, database } = subject;
  const { log } = context;
  log.info(`Comparing ${database} with the rollback point ${point.id} of ${point.createdAt} …`);
  const now = await takeCensusFor(point, { client, signal, log });
  const attribution = await attributeWrites(situation);
  const extent = name === 'restore' ? 'everything' : 'differing';
  const unknown = attribution.known ? undefined : attribution.why;
  const draft = planRestore({ point, now, backup: undefined, extent, attribution });
  if (draft.conflicts.length === 0) return { plan: draft, backup: undefined, missing: undefined, unknown };
  const choice = await chooseBackup(situation);
  if ('missing' in choice) return { plan: draft, backup: undefined, missing: choice.missing, unknown };
  const { backup } = choice;
  return { plan: planRestore({ point, now, backup: backup.census, extent, attribution }), backup, missing: undefined, unknown };
}

async function prepare(situation: Situation, name: RungName, assessment: Assessment): Promise<Prepared> {
  const { plan, missing, unknown } = assessment;
  const { subject, context } = situation;
  if (missing !== undefined) return { fits: false, why: `there is no backup to restore from (${missing.code})`, error: missing };
  const sharded = await shardedCollections(subject.client, subject.database);
  const hindering = plan.steps.find(({ kind, collection }) => kind === 'restore' && sharded.has(collection));
  if (hindering !== undefined) {
    const error = new GuardError('rollback/sharded', `${subject.database}.${hindering.collection} is sharded.`);
    return { fits: false, why: `${hindering.collection} is sharded`, error };
  }
  context.setOutput('conflicts', [
    ...new Set([...plan.conflicts, ...plan.losses.filter(({ certain }) => certain)].map(({ collection }) => collection)),
  ]);
  const late: string[] = [];
  return {
    fits: true,
    why: name === 'restore' ? 'the backup holds every collection' : 'the backup holds every collection that differs',
    steps: plan.steps.map(({ kind, ...step }) => ({ ...step, what: kind })),
    milliseconds: estimateRestore({ steps: plan.steps, point: subject.point.census }),
    losses: [
      ...plan.losses.map(lossText),
      ...(unknown === undefined ? [] : [`what others wrote to these collections since, which is not known: ${unknown}`]),
    ],
    refusal: refusalOf(situation, assessment),
    repeatable: true,
    carryOut: async () => {
      late.splice(0, late.length, ...(await restore(situation, assessment)));
    },
    prove: async () => {
      const { client, point } = subject;
      const ignored = [...point.ignored, ...plan.kept.map(({ collection }) => collection)];
      const { log } = context;
      const { signal } = situation;
      return (await prove({ client, point: { ...point, ignored }, expected: plan.expected, log, signal })).differences;
    },
    end: () => endOf(plan, late),
  };
}

async function restore(situation: Situation, { plan, backup }: Assessment): Promise<readonly string[]> {
  const { subject, context, lock, signal } = situation;
  const { client, database } = subject;
  if (lock === undefined) throw new Error('A restore needs the lock.');
  const seen = await attributeWrites(situation);
  const grown = seen.known ? plan.steps.find(({ collection }) => (seen.others.get(collection) ?? 0) > lossOf(plan, collection)) : undefined;
  if (grown !== undefined && situation.inputs.conflicts !== 'revert') throw laterWrites(situation, grown.collection);
  await carryOut(plan, { client, database, backup, lock, log: context.log, signal });
  return lateWrites(situation, plan);
}

/** Writes that came between the last look and the change of names: nothing can hold them off but a stopped application. */
async function lateWrites(situation: Situation, plan: RestorePlan): Promise<readonly string[]> {
  const after = await attributeWrites(situation);
  if (!after.known) return [];
  return plan.steps.flatMap(({ collection }) => {
    const count = (after.replaced.get(collection) ?? 0) - lossOf(plan, collection);
    return count > 0 ? [`${count} writes of others to ${collection} that came while it was restored`] : [];
  });
}

function endOf({ conflicts, losses, kept }: RestorePlan, late: readonly string[]): End {
  const lost = [
    ...conflicts.map(({ collection }) => `writes to ${collection} between the backup and the rollback point`),
    ...losses.filter(({ certain }) => certain).map(lossText),
    ...late,
  ];
  const proof = kept.length === 0 ? 'equal' : 'equal-with-later-writes';
  return { proof: conflicts.length === 0 ? proof : 'equal-to-backup', lost, kept };
}

function lossOf({ losses }: RestorePlan, name: string): number {
  return losses.reduce((sum, { collection, certain, writes }) => sum + (collection === name && certain ? writes : 0), 0);
}

function lossText({ collection, writes, certain }: Loss): string {
  const whose = certain ? 'writes of others' : 'writes that may be those of the migration or of others';
  return `${writes} ${whose} to ${collection} since the rollback point`;
}

/** Later writes and a backup that differs from the point: `conflicts: revert` accepts both losses. */
function refusalOf(situation: Situation, { plan, backup }: Assessment): GuardError | undefined {
  const { inputs } = situation;
  const absent = plan.conflicts.find(({ restorable }) => !restorable);
  const shown = absent ?? plan.conflicts[0];
  if (shown !== undefined && (absent !== undefined || inputs.conflicts !== 'revert')) {
    const more = plan.conflicts.length > 1 ? ` (and ${plan.conflicts.length - 1} more)` : '';
    const message = `The backup ${backup?.id} does not hold ${shown.collection} as it was at the rollback point: ${shown.why}${more}.`;
    const remedy = `Nothing was changed. Name a backup that holds ${shown.collection} in the inputs \`store\` and \`backup-id\`.`;
    return new GuardError('rollback/backup-differs', message, absent === undefined ? {} : { remedy });
  }
  const loss = plan.losses.find(({ certain }) => certain);
  return loss === undefined || inputs.conflicts === 'revert' ? undefined : laterWrites(situation, loss.collection);
}

function laterWrites({ subject }: Situation, collection: string): GuardError {
  return new GuardError(
    'rollback/later-writes',
    `Others have written to ${subject.database}.${collection} since the rollback point ${subject.point.id}; a restore would lose that.`,
  );
}
