import { IncomingWebhook, type IncomingWebhookSendArguments } from '@slack/webhook';
import { GuardError, toError } from '../errors/guard-error.ts';
import type { Secret } from '../redaction/secret.ts';
import type { SlackMessage } from '../report/slack.ts';

const attemptMilliseconds = 10_000;
/** Slack's own server errors and lost connections are tried again, refusals are not. */
const retryConfig = { retries: 2, minTimeout: 500, maxTimeout: 2_000 };

/** Posts a message to an incoming webhook of Slack, or of a program that understands them. Throws `notify/slack`. */
export async function postToSlack(webhook: Secret, message: SlackMessage, signal: AbortSignal): Promise<void> {
  const url = URL.parse(webhook.reveal().trim());
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new GuardError('notify/slack', 'The input slack-webhook is not a web address.');
  const hook = new IncomingWebhook(url.href, {
    timeout: attemptMilliseconds,
    retryConfig,
    fetch: (address, init) =>
      fetch(address, { ...init, signal: init?.signal === undefined ? signal : AbortSignal.any([signal, init.signal]) }),
  });
  try {
    await hook.send(message as IncomingWebhookSendArguments);
  } catch (error) {
    throw new GuardError('notify/slack', `Slack did not take the message: ${reason(error)}.`, { cause: error });
  }
}

/** What went wrong, without the address, which is the secret. */
function reason(error: unknown): string {
  const { statusCode, body } = error as { statusCode?: number; body?: string };
  if (statusCode !== undefined) {
    const word = /^[a-z_]{1,60}$/.test(body ?? '') ? ` (${body})` : '';
    return `it answered ${statusCode}${word}`;
  }
  const original = (error as { original?: Error }).original ?? toError(error);
  if (original.name === 'TimeoutError') return `no answer within ${attemptMilliseconds / 1000} s`;
  const code = (original.cause as NodeJS.ErrnoException | undefined)?.code;
  return code === undefined ? 'the connection failed' : `the connection failed (${code})`;
}
