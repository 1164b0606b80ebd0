import { describe, expect, test } from '@jest/globals';
import { expectGolden } from '../testing/golden.ts';
import { spoiled, sampleNames, samplePath, sampleReport, stageWith } from '../testing/run-reports.ts';
import { escape, renderReport, renderStage, truncate } from './markdown.ts';

describe('markdown of a run', () => {
  test.each(sampleNames)('is as reviewed: %s', async (name) => {
    await expectGolden(samplePath(`${name}.md`), renderReport(await sampleReport(name)));
  });

  test('says in its first three lines what happened, the state of the data and the next step', async () => {
    const [title, ...lines] = renderReport(await sampleReport('rolled-back')).split(/\n+/);
    expect(title).toBe('## ↩️ Rolled back, proven');
    expect(lines.slice(0, 3).map((line) => line.slice(0, line.indexOf(':')))).toEqual([
      '**What happened',
      '**State of the data',
      '**Next step',
    ]);
  });

  test('lets no text become markup, a mention or a link to code', async () => {
    const report = spoiled(await sampleReport('rolled-back'));
    const markdown = renderReport({ ...report, run: { ...report.run, url: 'javascript:alert(1)' } });
    const outsideCode = markdown.replace(/(?<![\\`])(`+)(?!`)[\s\S]*?(?<!`)\1(?!`)/g, '');
    expect(outsideCode).not.toMatch(/<(?!details>|\/details>|summary>|\/summary>|!-- -->)/);
    expect(markdown).not.toContain('](javascript:');
  });

  test('shortens long tables and lists of findings, the most severe findings first', () => {
    const rows = Array.from({ length: 150 }, (_, index) => [String(index)]);
    const notes = Array.from({ length: 120 }, () => ({ severity: 'note' as const, rule: 'rule/note', message: 'meh' }));
    const findings = [...notes, { severity: 'error' as const, rule: 'rule/bad', message: 'bad' }];
    const markdown = renderStage(stageWith({ tables: [{ title: 'Long', columns: ['Number'], rows }], findings }));
    expect(markdown).toContain('<details><summary>Long (150)</summary>');
    expect(markdown).toContain('… and 50 more rows in the page and the run report.');
    expect(markdown).toContain('… and 21 more findings in the page and the run report.');
    expect(markdown.indexOf('rule/bad')).toBeLessThan(markdown.indexOf('rule/note'));
  });

  test('shows a table whose rows are shorter or longer than its head as one of the width of the head', () => {
    const markdown = renderStage(stageWith({ tables: [{ title: 'T', columns: ['A', 'B'], rows: [['1'], ['1', '2', '3']] }] }));
    expect(markdown).toContain('| A | B |\n| --- | --- |\n| 1 |  |\n| 1 | 2 |');
  });
});

describe('escape', () => {
  test.each([
    ['a_b *c* `d` [e](f) ~g~ h|i $j$ \\', '`a\\_b \\*c\\* \\`d\\` \\[e\\](f) \\~g\\~ h\\|i \\$j\\$ \\\\`'.slice(1, -1)],
    ['<b>&amp;', '&lt;b&gt;&amp;amp;'],
    ['two\n\n# lines', 'two # lines'],
    ['# title', '\\# title'],
    ['- item', '\\- item'],
    ['1. item', '1\\. item'],
    ['86.4 MB', '86.4 MB'],
    [`it's "here"`, `it's "here"`],
    ['cc @octocat, see #12', 'cc @<!-- -->octocat, see #<!-- -->12'],
  ])('%j', (text, escaped) => {
    expect(escape(text)).toBe(escaped);
  });
});

describe('truncate', () => {
  test('leaves what fits as it is', () => {
    expect(truncate('short\n', 6)).toBe('short\n');
  });

  test.each([300, 301, 302, 303, 5_000])('keeps to %d bytes, whole lines and whole characters, and closes what it opened', (limit) => {
    const text = `<details><summary>Many</summary>\n\n${'– ä 漢 🙂\n'.repeat(1_000)}\n</details>\n`;
    const cut = truncate(text, limit);
    expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(limit);
    expect(cut).not.toContain('\uFFFD');
    expect(cut).toMatch(/– ä 漢 🙂\n\n<\/details>\n\n> ✂️ Cut here/);
  });
});
