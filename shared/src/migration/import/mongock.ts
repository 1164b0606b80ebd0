import type { Document } from 'mongodb';
import type { ForeignRecord } from './foreign-record.ts';

const states = { EXECUTED: 'applied', ROLLED_BACK: 'reverted', FAILED: 'failed', ROLLBACK_FAILED: 'failed' } as const;

/**
 * The log of Mongock: every execution of a change adds documents `{executionId, changeId, author, timestamp, state, type, changeLogClass, …}`.
 * What was last said about a change counts; an ignored one had been executed before, and what is done before an execution is no change.
 */
export function readMongock(documents: readonly Document[]): readonly ForeignRecord[] {
  const last = new Map<string, ForeignRecord>();
  const entries = documents.filter(({ changeId, systemChange, type }) => {
    return typeof changeId === 'string' && systemChange !== true && type !== 'BEFORE_EXECUTION';
  });
  for (const { changeId, author, state, timestamp, changeLogClass } of entries.sort(
    (a, b) => Number(a['timestamp']) - Number(b['timestamp']),
  )) {
    const told = states[String(state ?? 'EXECUTED') as keyof typeof states] as ForeignRecord['state'] | undefined;
    if (told === undefined) continue;
    const id = String(changeId);
    const className = typeof changeLogClass === 'string' ? [changeLogClass.split('.').at(-1) ?? ''] : [];
    const time = timestamp instanceof Date ? { appliedAt: timestamp } : {};
    last.set(`${id}\n${String(author)}`, { id, state: told, ...time, candidates: [id, ...className] });
  }
  return [...last.values()];
}
