import { describe, expect, test } from '@jest/globals';
import { expectGolden } from '../testing/golden.ts';
import { spoiled, sampleNames, samplePath, sampleReport } from '../testing/run-reports.ts';
import { renderEmail } from './email.ts';

const contacts = [{ name: 'Data team', reach: '+49 30 1234567' }, { name: 'Mira' }];

describe('the e-mail', () => {
  test.each(sampleNames)('is as reviewed: %s', async (name) => {
    const { subject, text } = renderEmail(await sampleReport(name), contacts);
    await expectGolden(samplePath(`${name}.email.txt`), `Subject: ${subject}\n\n${text}`);
  });

  test('says in HTML what it says in text', async () => {
    const { text, html } = renderEmail(await sampleReport('rolled-back'), contacts);
    for (const line of text.split('\n').filter((line) => /^ {2}\S/.test(line))) expect(html).toContain(line.trim());
  });

  test('lets no text start a header, a line or an element of its own', async () => {
    const report = spoiled(await sampleReport('rolled-back'));
    const { subject, text, html } = renderEmail({ ...report, run: { ...report.run, database: 'shop\r\nBcc: eve@example.org' } });
    expect(subject).not.toMatch(/[\r\n]/);
    expect(text).not.toMatch(/^Bcc/m);
    expect(html).not.toMatch(/<x-hostile|<img/);
  });
});
