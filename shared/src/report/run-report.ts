import { stat } from 'node:fs/promises';
import { z } from 'zod';
import { defineDocument } from '../documents/document.ts';

const result = z.enum(['passed', 'warned', 'failed', 'inconclusive']);

const place = z.object({ file: z.string(), line: z.number().optional(), column: z.number().optional() });

const finding = z.object({
  severity: z.enum(['error', 'warning', 'note']),
  /** Stable name of the rule or check, for example `verify/count-drift`. */
  rule: z.string(),
  message: z.string(),
  place: place.optional(),
});

const table = z.object({ title: z.string(), columns: z.array(z.string()), rows: z.array(z.array(z.string())) });

const stage = z.object({
  action: z.string(),
  mode: z.string().optional(),
  title: z.string(),
  /** ISO 8601. */
  startedAt: z.string(),
  milliseconds: z.number(),
  result,
  /** One sentence: why the result is not `passed`, or what was achieved. */
  reason: z.string().optional(),
  error: z.object({ code: z.string(), message: z.string(), remedy: z.string() }).optional(),
  /** One sentence: the state in which this stage left the data. */
  dataState: z.string().optional(),
  /** One sentence: what a person should do now. */
  nextStep: z.string().optional(),
  figures: z.array(z.object({ name: z.string(), value: z.string() })),
  tables: z.array(table),
  findings: z.array(finding),
  outputs: z.record(z.string(), z.string()),
});

const run = z.object({
  repository: z.string(),
  workflow: z.string(),
  job: z.string(),
  runId: z.string(),
  attempt: z.string(),
  url: z.string(),
  sha: z.string(),
  ref: z.string(),
  actor: z.string(),
  event: z.string(),
  environment: z.string().optional(),
  database: z.string().optional(),
});

const schema = z.object({ version: z.literal(1), run, stages: z.array(stage) });

export type Result = z.infer<typeof result>;
export type Finding = z.infer<typeof finding>;
export type Table = z.infer<typeof table>;
export type Stage = z.infer<typeof stage>;
export type RunInfo = z.infer<typeof run>;
/** What all actions of one job did, in order: the one source of summary, page and messages. */
export type RunReport = z.infer<typeof schema>;

export const runReport = defineDocument('run report', 1, schema);

/** Appends a stage to the report in `file`, which is created when it is not there yet. */
export async function appendStage(file: string, info: RunInfo, added: Stage): Promise<RunReport> {
  const exists = await stat(file).then(
    () => true,
    () => false,
  );
  const before: RunReport = exists ? await runReport.read(file) : { version: 1, run: info, stages: [] };
  const report: RunReport = { ...before, run: { ...before.run, ...info }, stages: [...before.stages, added] };
  await runReport.write(file, report);
  return report;
}

const badness: Record<Result, number> = { passed: 0, warned: 1, inconclusive: 2, failed: 3 };

/** The worst result of any stage. A failed stage that a later rollback put right still counts. */
export function overallResult(report: RunReport): Result {
  return report.stages.reduce<Result>((worst, { result: next }) => (badness[next] > badness[worst] ? next : worst), 'passed');
}
