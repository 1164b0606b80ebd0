import { GuardError } from '@migration-guard/shared/errors/guard-error';
import { runHook } from '@migration-guard/shared/rollback/hooks';
import type { RollbackContext, RollbackInputs } from './contract.ts';

/** Runs the stop or start command, if there is one, with its output in the report. Throws `rollback/stop-failed`, `rollback/start-failed`. */
export async function runNamedHook(kind: 'stop' | 'start', inputs: RollbackInputs, context: RollbackContext): Promise<void> {
  const command = kind === 'stop' ? inputs.stopCommand : inputs.startCommand;
  if (command === undefined) return;
  const { env, log, signal, settings, workspace: folder, stage } = context;
  const name = `${kind}-command`;
  const { succeeded, ending, attempts, output, milliseconds } = await runHook({
    ...settings[kind],
    name,
    command,
    folder,
    env,
    log,
    signal,
  });
  stage.table({
    title: `${name}: ${ending}, ${(milliseconds / 1_000).toFixed(1)} s, ${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`,
    columns: ['Output'],
    rows: output.split('\n').map((line) => [line]),
  });
  if (succeeded) return;
  if (kind === 'stop') throw new GuardError('rollback/stop-failed', `The stop command failed (${ending}): nothing was changed.`);
  stage.nextStep('Start the application by hand; the data is ready.');
  throw new GuardError('rollback/start-failed', `The data is rolled back and proven, but the start command failed (${ending}).`);
}
