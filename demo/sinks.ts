import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import PostalMime from 'postal-mime';
import { SMTPServer } from 'smtp-server';

/** A local stand-in for a service that takes messages. */
export interface Sink extends AsyncDisposable {
  readonly url: string;
  /** The headline of each message, in the order of arrival. */
  readonly headlines: readonly string[];
}

/** Takes what is posted to it as Slack's incoming webhooks do. */
export async function startSlackSink(): Promise<Sink> {
  const headlines: string[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const message = JSON.parse(Buffer.concat(chunks).toString()) as { text?: string };
      headlines.push(firstLine(message.text));
      response.end('ok');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = (): Promise<void> => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(() => resolve()));
  };
  return { url: `http://127.0.0.1:${port}/services/T000/B000/demo`, headlines, [Symbol.asyncDispose]: close };
}

/** Takes e-mail by SMTP, without TLS and without asking who sends. */
export async function startMailSink(): Promise<Sink> {
  const headlines: string[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    logger: false,
    onData(stream, session, accept) {
      const recipients = session.envelope.rcptTo.map(({ address }) => address).join(', ');
      void subjectOf(stream).then(
        (subject) => {
          headlines.push(`${subject} → ${recipients}`);
          return accept();
        },
        (error: Error) => accept(error),
      );
    },
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.server.address() as AddressInfo;
  return {
    url: `smtp://127.0.0.1:${port}`,
    headlines,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

async function subjectOf(message: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk);
  return firstLine((await PostalMime.parse(Buffer.concat(chunks))).subject);
}

function firstLine(text = ''): string {
  return text.split('\n')[0] ?? '';
}
