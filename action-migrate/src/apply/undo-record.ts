import { GuardError, toError } from '@migration-guard/shared/errors/guard-error';
import { touchedInRehearsal } from '@migration-guard/shared/migration/plan';
import type { WriteReport } from '@migration-guard/shared/migration/write-command';
import { beginWritesRecord } from '@migration-guard/shared/migration/writes-record';
import { switchOffPreImages, switchOnPreImages, uuidsSwitchedOn, type SwitchedOn } from '@migration-guard/shared/rollback/undo/pre-images';
import { withLocks } from './locks.ts';
import type { Admitted, Work } from './work.ts';

/** What makes an undo possible: earlier states of documents are kept by the server, and the migrations' own commands are written down. */
export interface UndoRecord {
  readonly switchedOn: SwitchedOn['collections'];
  /** Begins to write down, right before the first file. Absent where no undo is prepared. */
  readonly begin?: () => Promise<OpenRecord>;
}

/** The record of the migrations' commands, while they run. */
interface OpenRecord {
  readonly add: (report: WriteReport) => void;
  /** To be called after the last file. After a failure earlier states are still kept: the rollback ends that, or the next run. */
  end(succeeded: boolean): Promise<void>;
}

/**
 * Ends what a killed run has left switched on, and switches pre-images on, before the rollback point is taken: of the collections that the rehearsal
 * of these files saw touched, and of all without one. No undo is prepared where the settings say so, and where a command runs.
 */
export async function prepareUndo(work: Work, { plan, commands }: Admitted): Promise<UndoRecord> {
  const { context, target, lock } = work;
  const { log, stage, settings, runFolder } = context;
  await lock.confirm();
  const left = await switchOffPreImages(target.db);
  if (left.length > 0) log.info(`Pre-images that an earlier run left switched on were put back: ${left.join(', ')}`);
  const hindrance = commands.length > 0 ? 'what commands write is not recorded' : settings.undo ? undefined : '`undo: false`';
  if (hindrance !== undefined) {
    stage.figure('Undo', `not prepared: ${hindrance}`);
    return { switchedOn: [] };
  }
  const touched = await touchedInRehearsal(plan, runFolder);
  const { collections, why } = await switchOnPreImages({ db: target.db, collections: touched, log });
  stage.figure('Undo', why === undefined ? `prepared: pre-images of ${collections.length} collections` : 'without pre-images');
  return { switchedOn: collections, begin: () => beginRecord(work) };
}

/**
 * Puts pre-images back that a run left switched on which was killed behind its last file: the server would keep them for good. Another run
 * that holds the lock does it itself.
 */
export async function endLeftUndo(parts: Omit<Work, 'lock' | 'further'>): Promise<void> {
  const { target, context } = parts;
  if ((await uuidsSwitchedOn(target.db)).size === 0) return;
  try {
    const left = await withLocks(parts, () => switchOffPreImages(target.db));
    context.log.info(`Pre-images that an earlier run left switched on were put back: ${left.join(', ')}`);
  } catch (error) {
    if (!(error instanceof GuardError) || error.code !== 'lock/held') throw error;
  }
}

async function beginRecord({ context, target }: Work): Promise<OpenRecord> {
  const recorder = await beginWritesRecord(target.db, context.run.url);
  return {
    add: recorder.add,
    end: async (succeeded) => {
      try {
        await recorder.end();
        if (succeeded) await switchOffPreImages(target.db);
      } catch (error) {
        context.log.warning(`${toError(error).message} The next run puts pre-images back.`);
      }
    },
  };
}
