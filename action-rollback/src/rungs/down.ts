import { GuardError } from '@migration-guard/shared/errors/guard-error';
import { fromMongoError } from '@migration-guard/shared/errors/mongo-errors';
import type { MigrationFile } from '@migration-guard/shared/migration/files';
import { openJournal } from '@migration-guard/shared/migration/journal';
import { openProject, type Project } from '@migration-guard/shared/migration/project';
import { runDown } from '@migration-guard/shared/migration/run';
import { workerArgument } from '@migration-guard/shared/migration/worker/argument';
import { chooseDown } from '@migration-guard/shared/rollback/down';
import { estimateDown } from '@migration-guard/shared/rollback/estimate';
import type { Prepared, Rung } from '@migration-guard/shared/rollback/ladder';
import { planRestore, type Kept } from '@migration-guard/shared/rollback/plan';
import { prove } from '@migration-guard/shared/rollback/prove';
import { attributeWrites, chooseBackup, type Situation } from '../situation.ts';

/** Runs `down` of the applied files, the newest first. What it says it did counts for nothing: the digests decide. */
export function downRung(situation: Situation): Rung {
  return { name: 'down', prepare: () => prepare(situation) };
}

async function prepare(situation: Situation): Promise<Prepared> {
  const { subject, records, inputs } = situation;
  const { point } = subject;
  const hindrance = await hindranceOf(situation);
  if (hindrance !== undefined) return { fits: false, why: hindrance };
  const opened = await openFiles(situation);
  if ('why' in opened) return { fits: false, why: opened.why };
  const { project, files, kept } = opened;
  return {
    fits: true,
    why: inputs.strategy === 'down' ? 'it was asked for' : 'every file has a down, and what it may damage can be restored',
    steps: files.map(({ name }) => ({ what: 'down', collection: name, documents: 0, why: 'applied after the rollback point' })),
    milliseconds: estimateDown({ files, journal: records.journal, point: point.census }),
    losses: ['what a faulty down destroys, unless the next rung can restore it'],
    refusal: undefined,
    repeatable: false,
    carryOut: () => runAll(situation, { project, files, kept }),
    prove: async () => {
      const { client } = subject;
      const names = kept.map(({ collection }) => collection);
      const ignored = [...point.ignored, ...names];
      const expected = { ...point.census, collections: point.census.collections.filter(({ name }) => !names.includes(name)) };
      const { log } = situation.context;
      return (await prove({ client, point: { ...point, ignored }, expected, log, signal: situation.signal })).differences;
    },
    end: () => ({ proof: kept.length === 0 ? 'equal' : 'equal-with-later-writes', lost: [], kept }),
  };
}

/** Why `down` is out of the question, whatever the files are. */
async function hindranceOf(situation: Situation): Promise<string | undefined> {
  const { records, inputs, subject } = situation;
  if (records.touched.length === 0) return 'no migration was applied after the rollback point';
  if (records.rungs.has('down')) return 'an earlier rollback ended in the middle of it, and nobody can tell how much it did';
  const attribution = await attributeWrites(situation);
  const written = attribution.known ? [...attribution.touched].find((name) => attribution.others.has(name)) : undefined;
  if (written !== undefined) return `others have written to ${written} since the rollback point, so that its result could not be proven`;
  if (inputs.strategy === 'down') return undefined;
  const choice = await chooseBackup(situation);
  if ('missing' in choice) return `what it may damage could not be repaired (${choice.missing.code})`;
  const { point } = subject;
  const empty = { ...point.census, collections: [] };
  const repair = planRestore({
    point,
    now: empty,
    backup: choice.backup.census,
    extent: 'everything',
    attribution: { known: false, why: '' },
  });
  const [conflict] = repair.conflicts;
  return conflict === undefined ? undefined : `what it may damage could not be repaired: ${conflict.collection}, ${conflict.why}`;
}

interface Opened {
  readonly project: Project;
  readonly files: readonly MigrationFile[];
  /** Collections that only others wrote since the point. */
  readonly kept: readonly Kept[];
}

async function openFiles(situation: Situation): Promise<Opened | { readonly why: string }> {
  const { subject, records, inputs, context, resources } = situation;
  const { point } = subject;
  const { workspace, env, log } = context;
  try {
    const project = resources.use(
      await openProject({
        workspace,
        folder: inputs.migrations,
        driver: inputs.driver ?? 'auto',
        history: { kind: point.historyKind ?? 'migrate-mongo', collection: point.changelog },
        program: { file: process.argv[1] ?? '', args: [workerArgument] },
        env,
        log,
      }),
    );
    const choice = chooseDown(records.touched, project.files, records.journal);
    if ('why' in choice) return choice;
    const loaded = await project.load(choice.files);
    const without = choice.files.find(({ name }) => loaded.get(name)?.down !== true);
    if (without !== undefined) return { why: `${without.name} has no down` };
    return { project, files: choice.files, kept: await keptCollections(situation) };
  } catch (error) {
    context.signal.throwIfAborted();
    if (error instanceof GuardError && error.code.startsWith('migration/')) return { why: error.message.replace(/\.$/, '') };
    throw error;
  }
}

async function keptCollections(situation: Situation): Promise<readonly Kept[]> {
  const attribution = await attributeWrites(situation);
  if (!attribution.known) return [];
  const { others, touched } = attribution;
  return [...others].filter(([name]) => !touched.has(name)).map(([collection, writes]) => ({ collection, writes }));
}

async function runAll(situation: Situation, { project, files, kept }: Opened): Promise<void> {
  const { subject, inputs, context, lock, signal } = situation;
  const { db, database, point } = subject;
  const { log, now, run } = context;
  if (lock === undefined || inputs.uri === undefined) throw new Error('down needs the lock and the address.');
  const { token } = lock;
  const appName = `migration-guard/${token.holder}/${token.fence}`;
  await project.connect({ uri: inputs.uri.reveal(), database, appName });
  const journal = openJournal({ db, lock, run: run.url, now, rollbackPoint: point.id });
  const { done, failure } = await runDown({ db, project, files, journal, lock, appName, log, now, signal, timeout: inputs.timeout });
  if (failure !== undefined) throw failure.error;
  const strayed = done
    .flatMap(({ effects }) => Object.keys(effects.collections))
    .find((name) => kept.some(({ collection }) => collection === name));
  if (strayed !== undefined) throw new GuardError('rollback/not-proven', `down wrote to ${strayed}, which its up had not touched.`);
  await dropEmptyHistory(situation, project);
}

/** The first migration of a database makes the collection of the history; its `down` leaves it behind, empty. */
async function dropEmptyHistory({ subject, lock }: Situation, { history }: Project): Promise<void> {
  const { db, point } = subject;
  if (point.census.collections.some(({ name }) => name === history.collection)) return;
  try {
    if ((await db.collection(history.collection).findOne({}, { readPreference: 'primary' })) !== null) return;
    await lock?.confirm();
    await db.dropCollection(history.collection, { writeConcern: { w: 'majority' } });
  } catch (error) {
    throw fromMongoError(error, `Dropping the empty ${db.databaseName}.${history.collection}`);
  }
}
