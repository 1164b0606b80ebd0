import type { CommandSucceededEvent, Document } from 'mongodb';
import type { Serialize } from './key-hashes.ts';
import { keysOf, timeText, type Draft } from './write-drafts.ts';

/** What a command has written, by the answer of the server. */
export function answered(drafts: readonly Draft[], { commandName, reply }: CommandSucceededEvent, serialize: Serialize): readonly Draft[] {
  const answer = (reply ?? {}) as Document;
  const until = timeText(answer['operationTime']);
  return drafts.flatMap((draft): Draft[] => {
    const done: Draft = { ...draft, ...(until === undefined ? {} : { until }) };
    if (draft.kind === 'any' || draft.kind === 'definition') return [done];
    if (commandName === 'update') return updateAnswer(done, answer, serialize);
    if (commandName.toLowerCase() === 'findandmodify') return findAndModifyAnswer(done, answer, serialize);
    return [{ ...done, documents: Number(answer['n'] ?? 0) }];
  });
}

function updateAnswer(done: Draft, answer: Document, serialize: Serialize): Draft[] {
  if (done.kind === 'update') return [{ ...done, documents: Number(answer['nModified'] ?? 0) }];
  const upserted = ((answer['upserted'] as Document[] | undefined) ?? []).map(({ _id }) => _id as unknown);
  return insertedBy(done, upserted, serialize);
}

function findAndModifyAnswer(done: Draft, answer: Document, serialize: Serialize): Draft[] {
  const last = (answer['lastErrorObject'] ?? {}) as { n?: number; updatedExisting?: boolean; upserted?: unknown };
  if (done.kind === 'delete') return [{ ...done, documents: last.n ?? 0 }];
  if (done.kind === 'insert') return last.upserted === undefined ? [] : insertedBy(done, [last.upserted], serialize);
  // An update to the same values writes nothing.
  return last.updatedExisting === true ? [{ ...done, atMost: 1 }] : [];
}

/** The keys that were asked for are not those that were inserted where only some of them were. */
function insertedBy({ keys: _keys, ...done }: Draft, ids: readonly unknown[], serialize: Serialize): Draft[] {
  return ids.length === 0 ? [] : [{ ...done, documents: ids.length, ...keysOf(ids, serialize) }];
}
