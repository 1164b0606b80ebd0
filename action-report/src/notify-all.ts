import { GuardError } from '@migration-guard/shared/errors/guard-error';
import type { Channel } from './channels.ts';
import type { ReportContext } from './contract.ts';

/** Tries every channel, all at once, and notes how each went. Returns the names of those that failed. Only a bug of ours is thrown. */
export async function notifyAll(channels: readonly Channel[], { log, stage }: Pick<ReportContext, 'log' | 'stage'>): Promise<string[]> {
  const endings = await Promise.allSettled(channels.map(({ send }) => send()));
  const failed: string[] = [];
  for (const [index, ending] of endings.entries()) {
    const name = channels[index]?.name ?? '';
    if (ending.status === 'fulfilled') {
      log.info(`Report sent: ${name}`);
      stage.figure(name, 'sent');
      continue;
    }
    const error: unknown = ending.reason;
    if (!(error instanceof GuardError)) throw error;
    failed.push(name);
    stage.figure(name, 'failed');
    stage.finding({ severity: 'warning', rule: error.code, message: `${error.message} ${error.remedy}` });
    log.warning(`${error.code}: ${error.message}\n${error.remedy}`);
  }
  return failed;
}
