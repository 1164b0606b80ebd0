import { Timestamp } from 'mongodb';
import { GuardError } from '../../errors/guard-error.ts';

/**
 * Reads a time of the oplog: `1795273397`, `1795273397.12` or `1795273397:12` (seconds and increment), or ISO 8601. Entries at or after it
 * are not replayed. Throws `input/invalid`.
 */
export function parseOplogLimit(text: string): Timestamp {
  const [, seconds, increment = '0'] = /^(\d{1,10})(?:[.:](\d{1,10}))?$/.exec(text) ?? [];
  if (seconds !== undefined) return new Timestamp({ t: Number(seconds), i: Number(increment) });
  const milliseconds = /^\d{4}-\d{2}-\d{2}T/.test(text) ? Date.parse(text) : NaN;
  if (Number.isNaN(milliseconds))
    throw new GuardError('input/invalid', `oplog-limit: "${text}" is neither such as 1795273397.12 nor such as 2026-11-21T15:00:00Z.`);
  // The oplog counts in seconds: the limit is the first entry of the second that has not begun before.
  return new Timestamp({ t: Math.ceil(milliseconds / 1_000), i: 0 });
}
