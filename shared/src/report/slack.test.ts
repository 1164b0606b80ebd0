import { describe, expect, test } from '@jest/globals';
import { expectGolden } from '../testing/golden.ts';
import { spoiled, sampleNames, samplePath, sampleReport, stageWith } from '../testing/run-reports.ts';
import { renderSlack, type SlackMessage, type SlackText } from './slack.ts';

function textsOf({ blocks }: SlackMessage): readonly SlackText[] {
  return blocks.flatMap((block) => (block.type === 'context' ? block.elements : [block.text]));
}

describe('the Slack message', () => {
  test.each(sampleNames)('is as reviewed: %s', async (name) => {
    await expectGolden(
      samplePath(`${name}.slack.json`),
      `${JSON.stringify(renderSlack(await sampleReport(name), ['U012AB3CD', 'S0614TZR7']), undefined, 2)}\n`,
    );
  });

  test('calls people only when it is bad news', async () => {
    expect(JSON.stringify(renderSlack(await sampleReport('passed'), ['U012AB3CD']))).not.toContain('U012AB3CD');
    expect(JSON.stringify(renderSlack(await sampleReport('failed'), ['U012AB3CD', 'S0614TZR7']))).toContain(
      '<@U012AB3CD> <!subteam^S0614TZR7>',
    );
  });

  test('lets no text become a mention or a link', async () => {
    const report = spoiled(await sampleReport('rolled-back'));
    const { url } = report.run;
    const stages = report.stages.map((stage) => ({ ...stage, reason: '<!channel> <https://evil.example|run>' }));
    const inMarkup = textsOf(renderSlack({ ...report, stages })).filter(({ type }) => type === 'mrkdwn');
    expect(inMarkup.flatMap(({ text }) => text.match(/<[^>|]*/g) ?? [])).toEqual([`<${url}`]);
  });

  test('keeps to the limits of Slack however much there is to say', async () => {
    const { run } = await sampleReport('failed');
    const stages = Array.from({ length: 80 }, () => stageWith({ result: 'failed', reason: '<&>🙂'.repeat(2_000) }));
    const message = renderSlack({ version: 1, run: { ...run, database: '🙂'.repeat(200) }, stages });
    expect(message.blocks.length).toBeLessThanOrEqual(50);
    for (const { type, text } of textsOf(message)) {
      expect(text.length).toBeLessThanOrEqual(type === 'plain_text' ? 150 : 3_000);
      expect(text.isWellFormed()).toBe(true);
      if (type === 'mrkdwn') expect(text).not.toMatch(/&(?!amp;|lt;|gt;)/);
    }
  });
});
