import path from 'node:path';
import type { Outcome } from '@migration-guard/shared/action/context';
import { detect } from '@migration-guard/shared/checks/detection';
import type { LoadtestSettings } from '@migration-guard/shared/config/loadtest';
import { GuardError } from '@migration-guard/shared/errors/guard-error';
import { loadtestResults } from '@migration-guard/shared/load/results';
import type { Verdict } from '@migration-guard/shared/load/verdict';
import type { LoadtestContext, LoadtestInputs } from './contract.ts';
import { judge } from './judge.ts';
import { observe } from './observe.ts';
import { figuresOf, tablesOf } from './present.ts';
import { readScenario } from './scenario-file.ts';
import { moreSevere, signalsOf } from './signals.ts';
import { watch } from './watch.ts';

const resultOf = { pass: 'passed', warn: 'warned', fail: 'failed', inconclusive: 'inconclusive' } as const satisfies Record<
  Verdict,
  string
>;

/** Checks the service at `base-url` by its scenario and says how bad it is. */
export async function loadtest(inputs: LoadtestInputs, context: LoadtestContext): Promise<Outcome> {
  const scenario = inputs.scenario === undefined ? context.settings : await readScenario(inputs.scenario, context.workspace);
  return inputs.mode === 'watch' ? watch(inputs, context, scenario) : smoke(inputs, context, scenario);
}

async function smoke(inputs: LoadtestInputs, context: LoadtestContext, scenario: LoadtestSettings): Promise<Outcome> {
  if (scenario.steps.length === 0) throw new GuardError('loadtest/no-scenario', 'The scenario has no steps: nothing would be checked.');
  const base = new URL(inputs.baseUrl);
  const startedAt = context.now();
  const observed = await observe(scenario, {
    base,
    values: valuesOf(scenario, context.env),
    limit: inputs.duration,
    signal: context.signal,
    log: context.log,
  });
  const results = judge(observed, scenario, { service: base.origin, startedAt, finishedAt: context.now() });
  const file = path.join(context.runFolder, 'loadtest-results.json');
  await loadtestResults.write(file, results);

  for (const { name, value } of figuresOf(results)) context.stage.figure(name, value);
  for (const table of tablesOf(results)) context.stage.table(table);
  for (const reason of results.reasons) context.stage.finding({ severity: 'error', rule: `loadtest/${results.verdict}`, message: reason });
  context.setOutput('verdict', results.verdict);
  const { decision, severity, reason: rule } = detect(signalsOf(results, scenario), scenario.detection);
  context.setOutput('decision', decision);
  context.setOutput('reason', rule);
  context.setOutput('severity', moreSevere(severity, results.severity));
  context.setOutput('reasons', results.reasons);
  context.setOutput('results', file);
  const [reason = `${results.steps.length} steps of the scenario passed.`] = results.reasons;
  return { result: resultOf[results.verdict], reason };
}

/** Variables and secrets by name. Throws `loadtest/secret-missing`. */
function valuesOf(scenario: LoadtestSettings, env: LoadtestContext['env']): Map<string, unknown> {
  const values = new Map<string, unknown>(Object.entries(scenario.variables));
  for (const [name, variable] of Object.entries(scenario.secrets)) {
    const secret = env[variable];
    if (secret === undefined || secret === '')
      throw new GuardError(
        'loadtest/secret-missing',
        `The environment variable ${variable}, which the scenario calls ${name}, is not set.`,
      );
    values.set(name, secret);
  }
  return values;
}
