import type { Lock } from '@migration-guard/shared/migration/lock';
import type { Assessment } from './assess.ts';
import type { RollbackContext, RollbackInputs } from './contract.ts';
import type { Subject } from './subject.ts';

/** All that a rollback that may write needs. The lock is held. */
export interface Work {
  readonly subject: Subject;
  readonly assessment: Assessment;
  readonly lock: Lock;
  readonly inputs: RollbackInputs;
  readonly context: RollbackContext;
}
