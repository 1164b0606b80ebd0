import { createTransport } from 'nodemailer';
import { GuardError } from '../errors/guard-error.ts';
import type { Secret } from '../redaction/secret.ts';
import type { EmailBodies } from '../report/email.ts';

export interface Email extends EmailBodies {
  /** Default: the user of the SMTP address if it is an e-mail address, else `migration-guard@` its host. */
  readonly from: string | undefined;
  readonly to: readonly string[];
  /** The whole report, attached as `migration-report.html`. */
  readonly page: string;
}

const patience = { connectionTimeout: 10_000, greetingTimeout: 10_000, socketTimeout: 20_000 };

/**
 * Sends an e-mail through the server of an address such as `smtps://user:password@mail.example.org`. With a password, plain
 * smtp:// must be able to switch to TLS unless the address says `?ignoreTLS=true`. Throws `notify/email`.
 */
export async function sendEmail(smtpUrl: Secret, email: Email, signal: AbortSignal): Promise<void> {
  const url = URL.parse(smtpUrl.reveal().trim());
  if (url === null || !/^smtps?:$/.test(url.protocol) || url.hostname === '') {
    throw new GuardError('notify/email', 'The input smtp-url does not start with smtp:// or smtps:// and a host.');
  }
  if (url.password !== '' && url.protocol === 'smtp:' && !url.searchParams.has('ignoreTLS')) url.searchParams.set('requireTLS', 'true');
  const transport = createTransport({ url: url.href, ...patience });
  const close = (): void => transport.close();
  signal.addEventListener('abort', close);
  try {
    const { page, ...bodies } = email;
    const attachments = [{ filename: 'migration-report.html', content: page, contentType: 'text/html; charset=utf-8' }];
    const { rejected } = await transport.sendMail({ ...bodies, to: [...email.to], from: email.from ?? senderFor(url), attachments });
    if (rejected.length > 0) throw new GuardError('notify/email', refused(rejected.length, email.to.length));
  } catch (error) {
    throw error instanceof GuardError ? error : failure(error, email.to.length);
  } finally {
    signal.removeEventListener('abort', close);
    transport.close();
  }
}

function senderFor(url: URL): string {
  const user = decodeURIComponent(url.username);
  return user.includes('@') ? user : `migration-guard@${url.hostname}`;
}

function refused(count: number, of: number): string {
  return `The mail server refused ${count} of ${of} recipients.`;
}

const advice: Readonly<Record<string, string>> = {
  EAUTH: 'refused user name or password',
  ETLS: 'does not offer TLS',
  ESOCKET: 'closed the connection or has a certificate that is not trusted',
  ECONNECTION: 'could not be reached',
  ETIMEDOUT: 'did not answer in time',
  EDNS: 'has a name that is not known',
};

/** Codes of nodemailer and of the SMTP reply only: the server's text can quote the user name. */
function failure(error: unknown, recipients: number): GuardError {
  const { code = '', responseCode, rejected } = error as { code?: string; responseCode?: number; rejected?: readonly string[] };
  if (rejected !== undefined && rejected.length > 0) {
    return new GuardError('notify/email', refused(rejected.length, recipients), { cause: error });
  }
  const answer = responseCode === undefined ? code : `${responseCode}`;
  const label = answer === '' ? '' : ` (${answer})`;
  return new GuardError('notify/email', `The mail server ${advice[code] ?? 'did not take the message'}${label}.`, { cause: error });
}
