import type { Db } from 'mongodb';
import { forCreation } from '../../backup/restore-indexes.ts';
import { fromMongoError, serverCode } from '../../errors/mongo-errors.ts';
import type { Log } from '../../log/log.ts';
import { parseExtendedJson } from '../../mongo/extended-json.ts';
import { shadowPrefix } from '../../mongo/own-collections.ts';
import type { DefinitionPlan, IndexChange } from './definition-plan.ts';

export interface DefinitionWork {
  readonly db: Db;
  readonly log: Log;
  /** To be awaited before each change. */
  readonly confirm: () => Promise<void>;
}

const majority = { writeConcern: { w: 'majority' as const } };
const gone = [26, 27];

interface Step {
  readonly doing: string;
  readonly change: () => Promise<unknown>;
  /** Server errors that say that it was done already. */
  readonly harmless?: readonly number[];
}

/** What has to happen before documents are put back: collections have their names, and no index of the migration is in the way. */
export async function prepareDefinitions(plan: DefinitionPlan, work: DefinitionWork): Promise<void> {
  await renameBack(plan, work);
  for (const { collection, name } of plan.dropIndexes) {
    await step(work, {
      doing: `Dropping the index ${name} of ${collection}`,
      change: () => work.db.command({ dropIndexes: collection, index: name, ...majority }),
      harmless: gone,
    });
  }
}

/** What can only be done when the documents are put back. */
export async function finishDefinitions(plan: DefinitionPlan, work: DefinitionWork): Promise<void> {
  const { db } = work;
  // Expiry last: it deletes at once.
  const expires = ({ index }: IndexChange): number => (parseExtendedJson(index).has('expireAfterSeconds') ? 1 : 0);
  for (const { collection, name, index, collated } of plan.createIndexes.toSorted((a, b) => expires(a) - expires(b))) {
    const indexes = [forCreation(parseExtendedJson(index), collated)];
    await step(work, {
      doing: `Building the index ${name} of ${collection}`,
      change: () => db.command({ createIndexes: collection, indexes, ...majority }),
    });
  }
  for (const made of plan.drops) await dropMade(made, work);
  for (const { name, options } of plan.createViews) {
    await step(work, {
      doing: `Making the view ${name}`,
      change: () => db.command({ create: name, ...Object.fromEntries(parseExtendedJson(options)) }),
      harmless: [48],
    });
  }
  for (const { collection, what, change } of plan.modifications) {
    await step(work, {
      doing: `Changing ${what} of ${collection} back`,
      change: () => db.command({ collMod: collection, ...Object.fromEntries(change), ...majority }),
    });
  }
}

/** Names may have been swapped: a collection whose old name is taken waits until it is free, the last one steps aside. */
async function renameBack({ renames, drops }: DefinitionPlan, work: DefinitionWork): Promise<void> {
  const { db } = work;
  const rename = (from: string, to: string): Promise<void> =>
    step(work, {
      doing: `Renaming ${from} to ${to}`,
      change: () =>
        db.client.db('admin').command({ renameCollection: `${db.databaseName}.${from}`, to: `${db.databaseName}.${to}`, ...majority }),
    });
  const wanted = new Set(renames.map(({ to }) => to));
  for (const made of drops) if (wanted.has(made.name)) await dropMade(made, work);
  const waiting = [...renames];
  while (waiting.length > 0) {
    const free = waiting.findIndex(({ to }) => !waiting.some(({ from }) => from === to));
    const [next] = waiting.splice(Math.max(free, 0), 1);
    if (next === undefined) return;
    if (free !== -1) await rename(next.from, next.to);
    else {
      const aside = `${shadowPrefix}aside_${next.uuid.slice(0, 8)}`;
      await rename(next.from, aside);
      waiting.push({ ...next, from: aside });
    }
  }
}

/** Drops what the migration made, and nothing that has taken its name since. */
async function dropMade({ name, uuid }: DefinitionPlan['drops'][number], work: DefinitionWork): Promise<void> {
  const [standing] = await work.db.listCollections({ name }).toArray();
  const found = (standing as { info?: { uuid?: { toString(encoding: 'hex'): string } } } | undefined)?.info?.uuid;
  if (standing === undefined || (uuid !== undefined && found?.toString('hex') !== uuid)) return;
  await step(work, { doing: `Dropping ${name}`, change: () => work.db.dropCollection(name, majority), harmless: gone });
}

async function step({ log, confirm }: DefinitionWork, { doing, change, harmless = [] }: Step): Promise<void> {
  await confirm();
  log.info(doing);
  try {
    await change();
  } catch (error) {
    if (!harmless.includes(serverCode(error) ?? -1)) throw fromMongoError(error, doing);
  }
}
