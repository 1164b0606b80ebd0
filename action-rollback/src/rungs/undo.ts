import { GuardError } from '@migration-guard/shared/errors/guard-error';
import { estimateUndo } from '@migration-guard/shared/rollback/estimate';
import type { End, Prepared, Rung } from '@migration-guard/shared/rollback/ladder';
import { findUnrecorded } from '@migration-guard/shared/rollback/recorded';
import { everything, secondsOfReading, type ReadLimit } from '@migration-guard/shared/rollback/undo/read-whole';
import type { PossibleUndo, Undo } from '@migration-guard/shared/rollback/undo/contract';
import { openUndo } from '@migration-guard/shared/rollback/undo/undo';
import type { UndoProof } from '@migration-guard/shared/rollback/undo/prove-undo';
import { presentConflicts } from '../present.ts';
import { chooseBackup, type Situation } from '../situation.ts';

/** Puts back what the migrations wrote, document by document; what others wrote stays. */
export function undoRung(situation: Situation): Rung {
  // What is to be undone is read from a stream once, and again only after something was done.
  let ready: Prepared | undefined;
  const prepareOnce = async (): Promise<Prepared> => {
    if (ready !== undefined) return ready;
    const prepared = await prepare(situation);
    const again = async (body: () => Promise<void>): Promise<void> => {
      ready = undefined;
      await body();
    };
    ready = prepared.fits ? { ...prepared, carryOut: () => again(() => prepared.carryOut()) } : prepared;
    return ready;
  };
  return { name: 'undo', prepare: prepareOnce };
}

/** Finds out what is left to undo now. What is possible is to be disposed of. */
export async function lookAtUndo(situation: Situation): Promise<Undo> {
  const { subject, inputs, context, lock, signal } = situation;
  const { client, point } = subject;
  const { run, now, runFolder: folder, log } = context;
  const choice = await chooseBackup(situation);
  return openUndo({
    client,
    point,
    conflicts: inputs.conflicts ?? 'fail',
    backup: 'backup' in choice ? choice.backup : undefined,
    readWhole: readWholeOf(inputs),
    lock,
    run: run.url,
    now,
    folder,
    log,
    signal,
  });
}

function readWholeOf({ proof }: Situation['inputs']): ReadLimit {
  return proof === 'whole' ? everything : secondsOfReading;
}

async function prepare(situation: Situation): Promise<Prepared> {
  const { subject, inputs, context, resources } = situation;
  const hindrance = await hindranceOf(situation);
  if (hindrance !== undefined) return { fits: false, why: hindrance };
  const undo = await lookAtUndo(situation);
  if (!undo.possible) return { fits: false, why: withoutStop(undo.why) };
  resources.use(undo);
  presentConflicts(undo.conflicts, context);
  let proof: UndoProof | undefined;
  return {
    fits: true,
    why: 'everything that the migrations wrote is recorded',
    steps: undo.steps.map((step) => ({ ...step, why: 'written by the migrations' })),
    milliseconds: estimateUndo({ documents: undo.documents, point: subject.point.census, readWhole: readWholeOf(inputs) }),
    losses: inputs.conflicts === 'revert' ? undo.conflicts.map(conflictText) : [],
    refusal: inputs.conflicts === 'fail' ? refusalOf(undo) : undefined,
    repeatable: true,
    carryOut: () => undo.carryOut(),
    prove: async () => {
      proof = await undo.prove();
      return proof.differences;
    },
    end: () => endOf(situation, undo, proof),
  };
}

/** Why writes of the migrations, or of an earlier rollback, could be taken for those of others. */
async function hindranceOf({ subject, records }: Situation): Promise<string | undefined> {
  const begun = [...records.rungs].find((rung) => rung !== 'undo');
  if (begun !== undefined) return `an earlier rollback began ${begun}, which wrote beside the record`;
  if (records.touched.length === 0) return 'no migration is open';
  const unrecorded = await findUnrecorded(subject.db, records.touched, records.runs);
  return unrecorded === undefined ? undefined : `what ${unrecorded} wrote was not recorded`;
}

function withoutStop(text: string): string {
  return text.replace(/\.$/, '');
}

function endOf({ inputs }: Situation, { laterWrites, conflicts }: PossibleUndo, compared: UndoProof | undefined): End {
  const kept = laterWrites.filter(({ writes }) => writes > 0);
  const lost = inputs.conflicts === 'revert' ? conflicts.map(conflictText) : [];
  return { proof: kept.length === 0 ? 'equal' : 'equal-with-later-writes', lost, kept, compared };
}

function refusalOf({ conflicts }: PossibleUndo): GuardError | undefined {
  const [first] = conflicts;
  if (first === undefined) return undefined;
  const more = conflicts.length > 1 ? ` (and ${conflicts.length - 1} more collections)` : '';
  return new GuardError('rollback/conflicts', `${conflictText(first)}${more}.`);
}

function conflictText({ collection, documents, why }: PossibleUndo['conflicts'][number]): string {
  return `${documents} documents of ${collection}: ${why}`;
}
