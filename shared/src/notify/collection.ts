import { BSON, type Db } from 'mongodb';
import { fromMongoError } from '../errors/mongo-errors.ts';
import type { RunReport } from '../report/run-report.ts';
import { verdictOf } from '../report/verdict.ts';

const collection = 'migration_reports';
/** Below the 16 MiB that a document may have, with room for the command around it. */
const documentBytes = 15 * 2 ** 20;

/**
 * Stores the report as one document in `migration_reports`. The same report stored again, or grown since, replaces itself; no other
 * document is touched. A report that is too long for a document is stored without its tables and findings. Throws `target/privilege-missing` and the other
 * errors of the server.
 */
export async function storeReport(db: Db, report: RunReport, now: Date): Promise<void> {
  const { tone, headline } = verdictOf(report);
  const { run } = report;
  const fields = {
    version: 1,
    repository: run.repository,
    runId: run.runId,
    attempt: run.attempt,
    job: run.job,
    ...(run.environment === undefined ? {} : { environment: run.environment }),
    verdict: tone,
    headline,
    storedAt: now,
  };
  const whole = { ...fields, shortened: false, report };
  const document = BSON.calculateObjectSize(whole) <= documentBytes ? whole : { ...fields, shortened: true, report: shortened(report) };
  try {
    await db.collection<{ _id: string }>(collection).replaceOne({ _id: identity(report) }, document, { upsert: true });
  } catch (error) {
    throw fromMongoError(error, `Storing the run report in ${collection}`);
  }
}

/** One report file, and no other, has this id: jobs of a matrix share run, attempt and job, but not the start of their first stage. */
function identity({ run, stages }: RunReport): string {
  return [run.repository, run.runId, run.attempt, run.job, stages[0]?.startedAt ?? ''].join('/');
}

function shortened(report: RunReport): RunReport {
  return { ...report, stages: report.stages.map((stage) => ({ ...stage, tables: [], findings: [] })) };
}
