import { toError } from '@migration-guard/shared/errors/guard-error';
import { touchedInRehearsal } from '@migration-guard/shared/migration/plan';
import { beginWritesRecord, type WritesRecorder } from '@migration-guard/shared/migration/writes-record';
import { switchOffPreImages, switchOnPreImages, type SwitchedOn } from '@migration-guard/shared/rollback/undo/pre-images';
import type { Admitted, Work } from './work.ts';

/** What makes an undo possible: earlier states of documents are kept by the server, and the migrations' own commands are written down. */
export interface UndoRecord {
  readonly switchedOn: SwitchedOn['collections'];
  /** To be called right before the first file. */
  begin(): Promise<WritesRecorder>;
  /** To be called after the last file. After a failure earlier states are still kept: the rollback ends that, or the next run. */
  end(recorder: WritesRecorder, succeeded: boolean): Promise<void>;
}

function undoText(commands: readonly unknown[], why: string | undefined, collections: number): string {
  if (commands.length > 0) return 'not possible: what commands write is not recorded; the way back is a restore';
  return why === undefined ? `prepared: pre-images of ${collections} collections` : 'without pre-images';
}

/**
 * Ends what a killed run has left switched on, and switches pre-images on, before the rollback point is taken: of the collections that the rehearsal
 * of these files saw touched, and of all without one; of none where a command runs.
 */
export async function prepareUndo({ context, target, lock }: Work, { plan, commands }: Admitted): Promise<UndoRecord> {
  const { log, run, stage } = context;
  await lock.confirm();
  const left = await switchOffPreImages(target.db);
  if (left.length > 0) log.info(`Pre-images that an earlier run left switched on were put back: ${left.join(', ')}`);
  // What a command writes is not recorded, and so cannot be undone.
  const touched = commands.length > 0 ? [] : await touchedInRehearsal(plan, context.runFolder);
  const { collections, why } = await switchOnPreImages({ db: target.db, collections: touched, log });
  stage.figure('Undo', undoText(commands, why, collections.length));
  return {
    switchedOn: collections,
    begin: () => beginWritesRecord(target.db, run.url),
    end: async (recorder, succeeded) => {
      try {
        await recorder.end();
        if (succeeded) await switchOffPreImages(target.db);
      } catch (error) {
        log.warning(`${toError(error).message} The next run puts pre-images back.`);
      }
    },
  };
}
