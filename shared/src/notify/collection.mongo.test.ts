import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Connection } from '../mongo/connect.ts';
import type { RunReport } from '../report/run-report.ts';
import { failCommand } from '../testing/fail-command.ts';
import { connectShared, dropDatabases, uniqueDatabase } from '../testing/mongod.ts';
import { sampleReport, stageWith } from '../testing/run-reports.ts';
import { storeReport } from './collection.ts';

const now = new Date('2026-11-21T02:05:00Z');

describe('migration_reports', () => {
  let connection: Connection;
  let report: RunReport;
  const database = uniqueDatabase('reports');
  const stored = () => connection.client.db(database).collection('migration_reports').find().sort({ _id: 1 }).toArray();
  const store = (stage: RunReport): Promise<void> => storeReport(connection.client.db(database), stage, now);

  beforeAll(async () => {
    connection = await connectShared();
    report = await sampleReport('rolled-back');
  });

  beforeEach(() => dropDatabases(connection.client, [database]));

  afterAll(async () => {
    await dropDatabases(connection.client, [database]);
    await connection.client.close();
  });

  test('holds the report with its verdict', async () => {
    await store(report);
    const identity = { repository: 'acme/marketplace', runId: '19482230111', attempt: '1', job: 'migrate', environment: 'production' };
    const verdict = { verdict: 'restored', headline: 'Rolled back, proven' };
    expect(await stored()).toEqual([
      { _id: expect.any(String), version: 1, ...identity, ...verdict, storedAt: now, shortened: false, report },
    ]);
  });

  test('holds a report once, however often it is stored, with the stages that were added', async () => {
    await store(report);
    const grown = { ...report, stages: [...report.stages, stageWith({ title: 'later' })] };
    await store(grown);
    await store(grown);
    expect((await stored()).map((document) => document['report'])).toEqual([grown]);
  });

  test('keeps the reports of other attempts, jobs and legs of a matrix', async () => {
    const leg = { ...report, stages: [stageWith({ startedAt: '2026-11-21T02:00:00.001Z' })] };
    await store(report);
    await store({ ...report, run: { ...report.run, attempt: '2' } });
    await store({ ...report, run: { ...report.run, job: 'other' } });
    await store(leg);
    expect(await stored()).toHaveLength(4);
  });

  test('holds a report that is too long for a document without its tables and findings', async () => {
    const rows = Array.from({ length: 200 }, () => ['x'.repeat(100_000)]);
    await store({ ...report, stages: [stageWith({ reason: 'kept', tables: [{ title: 'Long', columns: ['x'], rows }] })] });
    expect(await stored()).toMatchObject([{ shortened: true, report: { stages: [{ reason: 'kept', tables: [] }] } }]);
  });

  test('says which privilege is missing', async () => {
    const data = { failCommands: ['update'], errorCode: 13, namespace: `${database}.migration_reports` };
    await using _refused = await failCommand(connection.client, { times: 1 }, data);
    await expect(store(report)).rejects.toMatchObject({ code: 'target/privilege-missing' });
  });
});
