import type { RungStep } from '@migration-guard/shared/rollback/ladder';
import type { RollbackInputs } from './contract.ts';
import type { Subject } from './subject.ts';

export interface ManualParts {
  readonly inputs: Pick<RollbackInputs, 'stopCommand' | 'rollbackPoint' | 'store' | 'backupId'>;
  readonly subject?: Pick<Subject, 'database' | 'pointLocation' | 'point'>;
  /** Whether something was changed, so that the application is stopped and the lock kept. */
  readonly begun: boolean;
  readonly steps?: readonly RungStep[];
}

/** What a person does by hand when the rollback failed, in order. Pure. */
export function manualSteps({ inputs, subject, begun, steps = [] }: ManualParts): string {
  const point = subject?.pointLocation ?? inputs.rollbackPoint ?? 'the one of the run folder';
  const store = inputs.store ?? subject?.point.backup?.store;
  const backup = inputs.backupId ?? subject?.point.backup?.id;
  const of = (what: string): readonly string[] =>
    steps.flatMap((step) => (step.what === what ? [`${subject?.database}.${step.collection}`] : []));
  const [restored, dropped] = [of('restore'), of('drop')];
  const sentences = [
    begun && inputs.stopCommand !== undefined ? 'Leave the application stopped' : 'Stop the application',
    `put right what the message says, then run action-rollback again with \`mode: apply\` and \`rollback-point: ${point}\`: it ${
      begun ? 'takes over the lock that this run keeps and ' : ''
    }goes on from what is there now`,
    ...(store === undefined || backup === undefined
      ? []
      : [
          `if it fails again, run action-backup with \`mode: restore\`, \`store: ${store}\`, \`backup-id: ${backup}\`, \`drop: true\`${
            restored.length > 0 ? ` and \`include: ${JSON.stringify(restored)}\`` : ` and \`databases: ${subject?.database}\``
          }`,
        ]),
    ...(dropped.length > 0 ? [`drop ${dropped.join(', ')}`] : []),
    'run action-rollback with `mode: apply` once more: it must find nothing to roll back, and frees the lock',
    'start the application',
  ];
  return `${sentences.map((sentence, index) => `(${index + 1}) ${sentence}`).join('; ')}.`;
}
