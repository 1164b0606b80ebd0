import type { Work } from './work.ts';

/** What a person does by hand when the rollback failed, in order. */
export function manualSteps({ subject, assessment, inputs }: Work): string {
  const { database, pointLocation } = subject;
  const { plan, backup } = assessment;
  const names = (kind: 'restore' | 'drop'): readonly string[] =>
    plan.steps.flatMap((step) => (step.kind === kind ? [`${database}.${step.collection}`] : []));
  const [restored, dropped] = [names('restore'), names('drop')];
  const steps = [
    inputs.stopCommand === undefined ? 'Stop the application' : 'Leave the application stopped',
    `run action-rollback again with \`mode: apply\` and \`rollback-point: ${pointLocation}\`, which goes on from what is there now`,
    ...(restored.length > 0 && backup !== undefined
      ? [
          `if it fails again, run action-backup with \`mode: restore\`, \`store: ${backup.store.location}\`, \`backup-id: ${backup.id}\`, \`drop: true\` and \`include: ${JSON.stringify(restored)}\``,
        ]
      : []),
    ...(dropped.length > 0 ? [`drop ${dropped.join(', ')}`] : []),
    'run action-rollback with `mode: plan`: it must find nothing to roll back',
    'start the application',
  ];
  return `${steps.map((step, index) => `(${index + 1}) ${step}`).join('; ')}.`;
}
