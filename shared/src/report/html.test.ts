import { describe, expect, test } from '@jest/globals';
import { spoiled, sampleNames, sampleReport, stageWith } from '../testing/run-reports.ts';
import { renderPage } from './html.ts';

describe('the page', () => {
  test.each(sampleNames)('stands alone: no script, no other file: %s', async (name) => {
    const page = renderPage(await sampleReport(name));
    expect(page).toMatch(/^<!doctype html>\n/);
    expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`);
    expect(page).not.toMatch(/<(script|link|img|iframe|object|form)\b|\bsrc=|url\(|@import/i);
  });

  test('answers before it tells', async () => {
    const page = renderPage(await sampleReport('rolled-back'));
    const positions = ['<h1>', 'What happened', 'State of the data', 'Next step', 'Timeline', 'id="stage-1"'].map((text) =>
      page.indexOf(text),
    );
    expect(positions).not.toContain(-1);
    expect(positions).toEqual(positions.toSorted((a, b) => a - b));
  });

  test('lets no text of a report become markup', async () => {
    const report = await sampleReport('rolled-back');
    const tags = (page: string): readonly string[] => page.match(/<\/?[a-z!][^>]*>/gi) ?? [];
    expect(tags(renderPage(spoiled(report))).map(withoutValues)).toEqual(tags(renderPage(spoiled(report, 'word'))).map(withoutValues));
  });

  test('links to the web only', async () => {
    const report = await sampleReport('passed');
    expect(renderPage({ ...report, run: { ...report.run, url: 'javascript:alert(1)' } })).not.toContain('javascript:');
  });

  test('folds a long table and says how many rows it leaves out', async () => {
    const rows = Array.from({ length: 2_500 }, (_, index) => [String(index)]);
    const stages = [stageWith({ tables: [{ title: 'Long', columns: ['Number'], rows }] })];
    const page = renderPage({ ...(await sampleReport('passed')), stages });
    expect(page).toContain('<small>2500 rows</small>');
    expect(page).toContain('… and 500 more in the run report.');
  });

  test('can be made of a run of which nothing is known', async () => {
    const { run } = await sampleReport('passed');
    expect(renderPage({ version: 1, run: { ...run, url: '', sha: '' }, stages: [] })).toContain('Nothing ran');
  });
});

function withoutValues(tag: string): string {
  return tag.replace(/"[^"]*"/g, '""');
}
