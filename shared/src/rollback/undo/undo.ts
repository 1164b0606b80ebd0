import { GuardError } from '../../errors/guard-error.ts';
import { timeOfText } from '../../timing/cluster-time.ts';
import { assess, olderStates, stepsOf, type Assessed } from './assess.ts';
import { carryOut } from './carry-out.ts';
import type { PossibleUndo, Undo, UndoOptions } from './contract.ts';
import { observe, type Observed } from './observed.ts';
import { switchOffPreImages, uuidsSwitchedOn } from './pre-images.ts';
import { secondsOfReading } from './read-whole.ts';
import { proveUndo, type UndoProof } from './prove-undo.ts';

const historyReasons = new Set([
  'server/history-lost',
  'rollback/undo-incomplete',
  'target/privilege-missing',
  'target/unsupported',
  'server/failed',
]);

/** Finds out whether what was done since the point can be undone, and what that takes. Writes nothing. To be disposed. */
export async function openUndo(options: UndoOptions): Promise<Undo> {
  const { client, point } = options;
  if (point.clusterTime === undefined) return { possible: false, why: 'a standalone server does not tell what was written' };
  const hello = await client.db('admin').command({ hello: 1 });
  if (hello['msg'] === 'isdbgrid') return { possible: false, why: 'documents of a sharded cluster are not undone one by one' };
  try {
    const version = options.serverVersion ?? String((await client.db('admin').command({ buildInfo: 1 }))['version']);
    const observed = await observe({
      client,
      database: point.database,
      since: timeOfText(point.clusterTime),
      ignored: point.ignored,
      records: [point.changelog ?? 'changelog'],
      major: Number.parseInt(version, 10),
      folder: options.folder,
      signal: options.signal,
    });
    return await assessOrClose(options, observed);
  } catch (error) {
    if (error instanceof GuardError && historyReasons.has(error.code)) return { possible: false, why: error.message };
    throw error;
  }
}

async function assessOrClose(options: UndoOptions, observed: Observed): Promise<Undo> {
  try {
    const assessed = await assess(options, observed);
    if (typeof assessed !== 'string') return possibleUndo(options, observed, assessed);
    await observed[Symbol.asyncDispose]();
    return { possible: false, why: assessed };
  } catch (error) {
    await observed[Symbol.asyncDispose]();
    throw error;
  }
}

function possibleUndo(options: UndoOptions, observed: Observed, assessed: Assessed): PossibleUndo {
  const { plan, documents } = assessed;
  return {
    possible: true,
    documents: documents.documents,
    bytes: documents.bytes,
    steps: stepsOf(plan, documents),
    conflicts: assessed.conflicts,
    get laterWrites() {
      return [...observed.othersWrites].map(([collection, writes]) => ({ collection, writes }));
    },
    carryOut: () => carryOut(options, observed),
    prove: () => proveAndEnd(options, observed),
    [Symbol.asyncDispose]: () => observed[Symbol.asyncDispose](),
  };
}

/** As long as others write, their documents' earlier states are needed for the proof: only then pre-images are put back. */
async function proveAndEnd(options: UndoOptions, observed: Observed): Promise<UndoProof> {
  const { client, point, lock } = options;
  const proof = await proveUndo({ readWhole: secondsOfReading, ...options, observed, ...(await olderFor(options, observed)) });
  if (proof.notCompared > 0) {
    options.log.warning(
      `${proof.notCompared} documents that others wrote were counted, but nobody kept what they were before: their contents are as others left them.`,
    );
  }
  if (lock !== undefined && proof.differences.length === 0) {
    await lock.confirm();
    await switchOffPreImages(client.db(point.database));
  }
  return proof;
}

async function olderFor(options: UndoOptions, observed: Observed): Promise<Pick<Assessed, 'older' | 'switchedOn'>> {
  const db = options.client.db(options.point.database);
  const switchedOn = await uuidsSwitchedOn(db);
  const written = [...observed.histories.all()].filter(
    (history) => history.atPoint === 'unknown' && observed.histories.writtenByOthers(history, observed.author),
  );
  return {
    switchedOn,
    older: await olderStates(
      options,
      observed,
      Map.groupBy(written, ({ uuid }) => uuid),
    ),
  };
}
