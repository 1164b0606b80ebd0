import type { Db } from 'mongodb';
import type { MigrationFile } from './files.ts';
import type { Journal } from './journal.ts';
import type { Lock } from './lock.ts';
import type { Project } from './project.ts';

/** A file that is to count as applied. */
export interface Mark {
  readonly file: MigrationFile;
  /** When it was applied, as far as that is known. */
  readonly appliedAt: Date;
}

export interface MarkOptions {
  readonly db: Db;
  readonly project: Pick<Project, 'history' | 'config'>;
  readonly journal: Journal;
  readonly lock: Pick<Lock, 'confirm'>;
  readonly actor: string;
  readonly reason: string;
  /** Files that the history holds already: only the journal is told about them. */
  readonly applied: readonly string[];
  readonly now: () => Date;
}

/**
 * Makes files count as applied without running them: first the history, so that a process that is killed in between never lets a file run
 * that was meant to be skipped, then the journal with who and why. To be called under the lock; doing it twice changes nothing.
 */
export async function markApplied(marks: readonly Mark[], options: MarkOptions): Promise<void> {
  const { db, project, journal, lock, actor, reason, applied, now } = options;
  const migrationBlock = now().getTime();
  for (const { file, appliedAt } of marks) {
    const { name: fileName, hash } = file;
    if (!applied.includes(fileName)) {
      await lock.confirm();
      const fileHash = project.config.useFileHash === true ? { fileHash: hash } : {};
      await project.history.recordApplied(db, { fileName, ...fileHash, appliedAt, migrationBlock });
    }
    await journal.append({ file: fileName, state: 'MARKED_APPLIED', hash, actor, reason });
  }
}
