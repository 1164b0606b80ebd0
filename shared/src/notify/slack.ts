import { IncomingWebhook, type IncomingWebhookSendArguments } from '@slack/webhook';
import { GuardError } from '../errors/guard-error.ts';
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
  // The library keeps no more than the text of what fetch throws.
  let lost: unknown;
  const hook = new IncomingWebhook(url.href, {
    timeout: attemptMilliseconds,
    retryConfig,
    fetch: async (address, init) => {
      try {
        return await fetch(address, { ...init, signal: init?.signal === undefined ? signal : AbortSignal.any([signal, init.signal]) });
      } catch (error) {
        lost = error;
        throw error;
      }
    },
  });
  try {
    await hook.send(message as IncomingWebhookSendArguments);
  } catch (error) {
    throw new GuardError('notify/slack', `Slack did not take the message: ${refusal(error) ?? loss(lost)}.`, { cause: error });
  }
}

/** What Slack answered. Only its words for errors are repeated: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks */
function refusal(error: unknown): string | undefined {
  const { statusCode, body = '' } = error as { statusCode?: number; body?: string };
  if (statusCode === undefined) return undefined;
  return /^[a-z_]{1,60}$/.test(body) ? `it answered ${statusCode} (${body})` : `it answered ${statusCode}`;
}

/** Why there was no answer, without the address, which is the secret. */
function loss(error: unknown): string {
  const { name, cause } = (error ?? {}) as Partial<Error>;
  if (name === 'TimeoutError') return `no answer within ${attemptMilliseconds / 1000} s`;
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  return code === undefined ? 'the connection failed' : `the connection failed (${code})`;
}
