import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import PostalMime, { type Email } from 'postal-mime';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';

export interface ReceivedMail {
  readonly from: string;
  readonly to: readonly string[];
  readonly mail: Email;
}

export interface MailServer extends AsyncDisposable {
  readonly port: number;
  readonly received: readonly ReceivedMail[];
  /** Names with which clients tried to log in. */
  readonly logins: readonly string[];
}

export const mailAccount = { user: 'robot@example.org', password: 'p@ss/word-of-mail' };

/** A real SMTP server on loopback. It knows one account, refuses recipients at `refused.example`, and has a certificate that nobody trusts. */
export async function startMailServer(options: SMTPServerOptions = {}): Promise<MailServer> {
  const received: ReceivedMail[] = [];
  const logins: string[] = [];
  const server = new SMTPServer({
    authOptional: true,
    logger: false,
    onAuth({ username, password }, _session, done) {
      logins.push(username ?? '');
      if (username === mailAccount.user && password === mailAccount.password) done(undefined, { user: username });
      else done(new Error('wrong'));
    },
    onRcptTo({ address }, _session, done) {
      done(address.endsWith('@refused.example') ? Object.assign(new Error('no such mailbox'), { responseCode: 550 }) : undefined);
    },
    async onData(stream, { envelope }, done) {
      const mail = await PostalMime.parse(await buffer(stream));
      const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address;
      received.push({ from, to: envelope.rcptTo.map(({ address }) => address), mail });
      done();
    },
    ...options,
  });
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.server.address() as AddressInfo;
  return { port, received, logins, [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())) };
}
