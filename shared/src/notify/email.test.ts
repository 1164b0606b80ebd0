import { describe, expect, test } from '@jest/globals';
import { Secret } from '../redaction/secret.ts';
import { renderEmail } from '../report/email.ts';
import { renderPage } from '../report/html.ts';
import { mailAccount, startMailServer } from '../testing/mail-server.ts';
import { sampleReport } from '../testing/run-reports.ts';
import { sendEmail, type Email } from './email.ts';

const never = new AbortController().signal;
const userInfo = `${encodeURIComponent(mailAccount.user)}:${encodeURIComponent(mailAccount.password)}`;

async function emailTo(...to: readonly string[]): Promise<Email> {
  const report = await sampleReport('rolled-back');
  return { ...renderEmail(report), page: renderPage(report), from: undefined, to };
}

describe('sending e-mail', () => {
  test('delivers subject, text, HTML and the page to every recipient', async () => {
    await using server = await startMailServer({ disabledCommands: ['STARTTLS', 'AUTH'] });
    const email = await emailTo('mira@example.org', 'team@example.org');
    await sendEmail(new Secret(`smtp://127.0.0.1:${server.port}`), email, never);
    const [received] = server.received;
    expect(received).toMatchObject({ from: 'migration-guard@127.0.0.1', to: ['mira@example.org', 'team@example.org'] });
    expect(received?.mail.subject).toBe('[Migration Guard] Rolled back, proven: marketplace in production');
    expect(received?.mail.text?.replaceAll('\r\n', '\n').trim()).toBe(email.text.trim());
    expect(received?.mail.html?.replaceAll('\r\n', '\n').trim()).toBe(email.html.trim());
    const [page] = received?.mail.attachments ?? [];
    expect(page).toMatchObject({ filename: 'migration-report.html', mimeType: 'text/html' });
    expect(Buffer.from(page?.content as ArrayBuffer).toString()).toBe(email.page);
  });

  test('logs in over TLS and writes in the name of the account', async () => {
    await using server = await startMailServer({ secure: true });
    await sendEmail(
      new Secret(`smtps://${userInfo}@127.0.0.1:${server.port}?tls.rejectUnauthorized=false`),
      await emailTo('a@example.org'),
      never,
    );
    expect(server.logins).toEqual([mailAccount.user]);
    expect(server.received[0]?.from).toBe(mailAccount.user);
  });

  test('takes the sender that is given', async () => {
    await using server = await startMailServer({ disabledCommands: ['STARTTLS', 'AUTH'] });
    await sendEmail(
      new Secret(`smtp://127.0.0.1:${server.port}`),
      { ...(await emailTo('a@example.org')), from: 'Guard <guard@example.org>' },
      never,
    );
    expect(server.received[0]?.from).toBe('guard@example.org');
  });

  test('keeps the password to itself where the server offers no TLS', async () => {
    await using server = await startMailServer({ disabledCommands: ['STARTTLS'] });
    const attempt = sendEmail(new Secret(`smtp://${userInfo}@127.0.0.1:${server.port}`), await emailTo('a@example.org'), never);
    await expect(attempt).rejects.toMatchObject({ code: 'notify/email', message: expect.stringContaining('does not offer TLS') });
    expect(server.logins).toEqual([]);
  });

  test('refuses a certificate that nobody trusts', async () => {
    await using server = await startMailServer({ secure: true });
    const attempt = sendEmail(new Secret(`smtps://${userInfo}@127.0.0.1:${server.port}`), await emailTo('a@example.org'), never);
    await expect(attempt).rejects.toMatchObject({ code: 'notify/email', message: expect.stringContaining('not trusted') });
    expect(server.logins).toEqual([]);
  });

  test('says that the password is wrong, and never repeats it', async () => {
    await using server = await startMailServer({ secure: true });
    const url = new Secret(`smtps://robot:wrong-password@127.0.0.1:${server.port}?tls.rejectUnauthorized=false`);
    const attempt = sendEmail(url, await emailTo('a@example.org'), never);
    await expect(attempt).rejects.toMatchObject({ code: 'notify/email', message: 'The mail server refused user name or password (535).' });
    await expect(attempt).rejects.not.toThrow(/robot|wrong-password/);
  });

  test.each([
    [['a@example.org', 'b@refused.example'], 'refused 1 of 2 recipients', 1],
    [['b@refused.example'], 'refused 1 of 1 recipients', 0],
  ])('to %j: %s', async (to, message, delivered) => {
    await using server = await startMailServer({ disabledCommands: ['STARTTLS', 'AUTH'] });
    const attempt = sendEmail(new Secret(`smtp://127.0.0.1:${server.port}`), await emailTo(...to), never);
    await expect(attempt).rejects.toMatchObject({ code: 'notify/email', message: expect.stringContaining(message) });
    expect(server.received).toHaveLength(delivered);
  });

  test.each([
    ['smtp://127.0.0.1:1', 'ESOCKET'],
    ['http://user:hunter2@host', 'does not start with smtp://'],
    ['hunter2', 'does not start with smtp://'],
  ])('%s: %s', async (url, message) => {
    const attempt = sendEmail(new Secret(url), await emailTo('a@example.org'), never);
    await expect(attempt).rejects.toMatchObject({ code: 'notify/email', message: expect.stringContaining(message) });
    await expect(attempt).rejects.not.toThrow('hunter2');
  });
});
