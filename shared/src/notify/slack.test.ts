import { describe, expect, test } from '@jest/globals';
import { Secret } from '../redaction/secret.ts';
import { renderSlack } from '../report/slack.ts';
import { startHttpService } from '../testing/http-service.ts';
import { sampleReport } from '../testing/run-reports.ts';
import { postToSlack } from './slack.ts';

const path = '/services/T000/B000/very-secret-path';
const never = new AbortController().signal;

describe('posting to Slack', () => {
  test('sends text and blocks as JSON', async () => {
    await using slack = await startHttpService((_request, response) => response.end('ok'));
    const message = renderSlack(await sampleReport('rolled-back'));
    await postToSlack(new Secret(`${slack.url}${path}`), message, never);
    expect(slack.received).toHaveLength(1);
    expect(slack.received[0]).toMatchObject({ method: 'POST', url: path });
    expect(slack.received[0]?.headers['content-type']).toBe('application/json');
    expect(JSON.parse(slack.received[0]?.body ?? '')).toEqual(message);
  });

  test('tries again when Slack has trouble', async () => {
    const answers = [503, 200];
    await using slack = await startHttpService((_request, response) => response.writeHead(answers.shift() ?? 500).end('ok'));
    await postToSlack(new Secret(`${slack.url}${path}`), renderSlack(await sampleReport('passed')), never);
    expect(slack.received).toHaveLength(2);
  });

  test('says what Slack answered, once, and never the address', async () => {
    await using slack = await startHttpService((_request, response) => response.writeHead(404).end('no_service'));
    const attempt = postToSlack(new Secret(`${slack.url}${path}`), renderSlack(await sampleReport('passed')), never);
    await expect(attempt).rejects.toMatchObject({
      code: 'notify/slack',
      message: 'Slack did not take the message: it answered 404 (no_service).',
    });
    expect(slack.received).toHaveLength(1);
  });

  test.each([
    ['very-secret-path', 'is not a web address'],
    ['file:///very-secret-path', 'is not a web address'],
  ])('%s: %s', async (address, message) => {
    const attempt = postToSlack(new Secret(address), renderSlack(await sampleReport('passed')), never);
    await expect(attempt).rejects.toMatchObject({ code: 'notify/slack', message: expect.stringContaining(message) });
    await expect(attempt).rejects.not.toThrow('very-secret-path');
  });

  test('tells a server that is gone from one that refuses', async () => {
    const gone = await startHttpService(() => undefined);
    await gone[Symbol.asyncDispose]();
    const attempt = postToSlack(new Secret(`${gone.url}${path}`), renderSlack(await sampleReport('passed')), never);
    await expect(attempt).rejects.toMatchObject({ code: 'notify/slack', message: expect.stringContaining('failed (ECONNREFUSED)') });
  });

  test('ends when the run is cancelled', async () => {
    const cancel = new AbortController();
    await using slack = await startHttpService(() => cancel.abort());
    const attempt = postToSlack(new Secret(`${slack.url}${path}`), renderSlack(await sampleReport('passed')), cancel.signal);
    await expect(attempt).rejects.toMatchObject({ code: 'notify/slack' });
  });
});
