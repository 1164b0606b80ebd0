import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { MigrateContext } from '../contract.ts';

/** What a run for one of several databases said; its outputs are not those of the step. */
export interface PartOutputs {
  applied: readonly string[];
  pending: readonly string[];
  planHash?: string;
  rollbackPoint?: string;
  findings: number;
  sarif?: string;
  dataState?: string;
}

export interface Part {
  readonly context: MigrateContext;
  readonly outputs: PartOutputs;
}

/** The context of a run for one of several databases: a run folder of its own, and its name before everything that it tells. */
export async function contextFor(database: string, context: MigrateContext): Promise<Part> {
  const { stage } = context;
  const runFolder = path.join(context.runFolder, 'databases', database);
  await mkdir(runFolder, { recursive: true });
  const outputs: PartOutputs = { applied: [], pending: [], findings: 0 };
  const part: MigrateContext = {
    ...context,
    runFolder,
    setOutput: (name, value) => keep(outputs, name, value),
    stage: {
      figure: (name, value) => stage.figure(`${database}: ${name}`, value),
      table: (table) => stage.table({ ...table, title: `${database}: ${table.title}` }),
      finding: (finding) => stage.finding({ ...finding, message: `${database}: ${finding.message}` }),
      dataState: (sentence) => {
        outputs.dataState = sentence;
      },
      nextStep: (sentence) => stage.nextStep(sentence),
    },
  };
  return { context: part, outputs };
}

function keep(outputs: PartOutputs, name: string, value: string | number | readonly unknown[]): void {
  if (name === 'applied' || name === 'pending') outputs[name] = (value as readonly string[]).map(String);
  if (name === 'findings') outputs.findings = Number(value);
  if (name === 'plan-hash') outputs.planHash = String(value);
  if (name === 'rollback-point') outputs.rollbackPoint = String(value);
  if (name === 'sarif') outputs.sarif = String(value);
}
