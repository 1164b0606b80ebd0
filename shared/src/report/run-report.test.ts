import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { sampleNames, samplePath, sampleReport, stageWith } from '../testing/run-reports.ts';
import { appendStage, overallResult, runReport } from './run-report.ts';

describe('the run report', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'run-report-'));
  });

  afterAll(() => rm(folder, { recursive: true }));

  test.each(sampleNames)('of version 1 is read whole and written back unchanged: %s', async (name) => {
    const written: unknown = JSON.parse(await readFile(samplePath(`${name}.json`), 'utf8'));
    expect(await sampleReport(name)).toEqual(written);
    const file = path.join(folder, `${name}.json`);
    await runReport.write(file, await sampleReport(name));
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(written);
  });

  test('of a newer version is refused', async () => {
    const report = { ...(await sampleReport('passed')), version: 2 };
    expect(() => runReport.parse(report, 'run-report.json')).toThrow(expect.objectContaining({ code: 'document/too-new' }));
  });

  test('grows by one stage after the other and learns more about the run', async () => {
    const file = path.join(folder, 'grown.json');
    const { run } = await sampleReport('passed');
    const { database, environment, ...info } = run;
    await appendStage(file, { ...info, ...(database === undefined ? {} : { database }) }, stageWith({ title: 'first' }));
    const grown = await appendStage(
      file,
      { ...info, ...(environment === undefined ? {} : { environment }) },
      stageWith({ title: 'second' }),
    );
    expect(grown.stages.map(({ title }) => title)).toEqual(['first', 'second']);
    expect(grown.run).toEqual(run);
    expect(await runReport.read(file)).toEqual(grown);
  });

  test('is as bad as its worst stage', async () => {
    expect(overallResult(await sampleReport('passed'))).toBe('passed');
    expect(overallResult(await sampleReport('rolled-back'))).toBe('failed');
  });
});
