import type { Outcome } from '@migration-guard/shared/action/context';
import type { CheckResult } from '@migration-guard/shared/checks/check';
import { detect } from '@migration-guard/shared/checks/detection';
import { evaluate, type Evaluation } from '@migration-guard/shared/checks/evaluate';
import { GuardError } from '@migration-guard/shared/errors/guard-error';
import { databaseName, connect, type Connection } from '@migration-guard/shared/mongo/connect';
import { Secret } from '@migration-guard/shared/redaction/secret';
import { checkAfter } from './after.ts';
import { checkBefore } from './before.ts';
import type { VerifyContext, VerifyInputs } from './contract.ts';
import { findPoint } from './find-point.ts';
import { presentChecks } from './present.ts';

/** Checks the target before or after a migration. Nothing is written to it. */
export async function verify(inputs: VerifyInputs, context: VerifyContext): Promise<Outcome> {
  context.stage.dataState('This stage changes no data.');
  try {
    await using connection = await connect(inputs.uri ?? new Secret(''));
    return inputs.mode === 'preflight' ? await preflight(inputs, context, connection) : await afterwards(inputs, context, connection);
  } catch (error) {
    if (inputs.mode === 'verify' && isConnectionLost(error)) decideLost(error, context);
    throw error;
  }
}

async function preflight(inputs: VerifyInputs, context: VerifyContext, connection: Connection): Promise<Outcome> {
  const database = databaseName(inputs.database, connection);
  const results = await checkBefore({ connection, database, settings: context.settings.preflight });
  presentChecks(`Preflight of ${database}`, results, context);
  const { failed, passed, severity } = evaluate(results, context.settings.detection);
  context.setOutput('checks-passed', passed);
  context.setOutput('checks-failed', failed);
  context.setOutput('severity', severity);
  const reason = firstOf(results, 'failed') ?? firstOf(results, 'warned') ?? '';
  context.setOutput('reason', reason);
  if (failed > 0) {
    context.stage.nextStep('Put right what failed before the migration is started.');
    return { result: 'failed', reason: `${database} is not ready for a migration: ${reason}.` };
  }
  if (reason !== '') return { result: 'warned', reason: `${database} is ready, with a warning: ${reason}.` };
  return { result: 'passed', reason: `${database} is ready for a migration: ${passed} checks passed.` };
}

async function afterwards(inputs: VerifyInputs, context: VerifyContext, connection: Connection): Promise<Outcome> {
  const { database, point } = await findPoint(inputs, context, connection);
  const results = await checkAfter({ connection, database, point, settings: context.settings, signal: context.signal });
  presentChecks(`Checks of ${database}`, results, context);
  const evaluation = evaluate(results, context.settings.detection);
  setOutputs(evaluation, context);
  if (evaluation.failed > 0) {
    context.stage.nextStep(
      evaluation.decision === 'rollback'
        ? `Roll back with action-rollback${point === undefined ? '' : ` and the rollback point ${point.id}`}.`
        : 'Look at the failed checks; the detection rules do not ask for a rollback.',
    );
    return {
      result: 'failed',
      reason: `${evaluation.failed} of ${results.length} checks failed: ${evaluation.reason || firstOf(results, 'failed')}.`,
    };
  }
  if (point === undefined) {
    const message = 'There is no rollback point to compare with: counts and migration records were not checked.';
    context.stage.finding({ severity: 'warning', rule: 'verify/no-rollback-point', message });
    return { result: 'warned', reason: message };
  }
  return { result: 'passed', reason: `All ${results.length} checks passed.` };
}

function setOutputs(evaluation: Pick<Evaluation, 'passed' | 'failed' | 'decision' | 'severity' | 'reason'>, context: VerifyContext): void {
  context.setOutput('checks-passed', evaluation.passed);
  context.setOutput('checks-failed', evaluation.failed);
  context.setOutput('decision', evaluation.decision);
  context.setOutput('severity', evaluation.severity);
  context.setOutput('reason', evaluation.reason);
}

function isConnectionLost(error: unknown): error is GuardError {
  return error instanceof GuardError && (error.code === 'target/unreachable' || error.code === 'server/interrupted');
}

/** A database that does not answer after a migration is a finding of its own: the decision is given although the stage fails. */
function decideLost(error: GuardError, context: VerifyContext): void {
  const signals = { 'connection-lost': { value: 1, what: error.message } };
  setOutputs({ passed: 0, failed: 0, ...detect(signals, context.settings.detection) }, context);
}

function firstOf(results: readonly CheckResult[], wanted: CheckResult['status']): string | undefined {
  const first = results.find(({ status }) => status === wanted);
  return first === undefined ? undefined : `${first.subject}: expected ${first.expected}, found ${first.found}`;
}
