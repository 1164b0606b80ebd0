import { keyHash, keyHashLength, overlaps, type WriteCommand } from '../../migration/write-command.ts';
import { timeOfText } from '../../timing/cluster-time.ts';
import type { ChangeEvent } from './event.ts';

export interface RecordedRun {
  /** What the migrations recorded of their own commands. */
  readonly commands: readonly WriteCommand[];
  /** Times in which a migration ran of which no, or not every, command is recorded. */
  readonly windows: readonly { readonly after: bigint; readonly until: bigint }[];
}

/** A command, or a time of which no command is known, as it is compared with events. */
export interface RecordedCommand {
  readonly collection: string;
  readonly kind: WriteCommand['kind'];
  readonly after: bigint;
  readonly until: bigint;
  readonly documents: number | undefined;
  /** The most that it can be; the number itself where that is known. */
  readonly atMost: number | undefined;
  readonly keys: (() => ReadonlySet<string>) | undefined;
  readonly fields: readonly string[] | undefined;
  readonly number: number;
}

const forever = 2n ** 63n;
const writing = new Set(['insert', 'update', 'replace', 'delete']);

/** The commands with their times; those that got their answer later only once. Their numbers are their places. */
export function readCommands({ commands, windows }: RecordedRun): readonly RecordedCommand[] {
  const answered = new Set(commands.flatMap(({ answers }) => answers ?? []));
  const recorded = commands
    .filter(({ unanswered, transaction }) => transaction !== true && (unanswered === undefined || !answered.has(unanswered)))
    .map(({ collection, kind, after, until, documents, atMost, keys, fields }) => ({
      collection,
      kind,
      after: after === undefined ? 0n : timeOfText(after),
      until: until === undefined ? forever : timeOfText(until),
      documents,
      atMost: documents ?? atMost,
      keys: keys === undefined ? undefined : keySet(keys),
      fields,
    }));
  const unrecorded = windows.map(({ after, until }) => ({
    collection: '*',
    kind: 'any' as const,
    after,
    until,
    documents: undefined,
    atMost: undefined,
    keys: undefined,
    fields: undefined,
  }));
  return [...recorded, ...unrecorded].map((command, number) => ({ ...command, number }));
}

function keySet(text: string): () => ReadonlySet<string> {
  let known: Set<string> | undefined;
  return () => {
    if (known !== undefined) return known;
    const bytes = Buffer.from(text, 'base64').toString('latin1');
    known = new Set();
    for (let at = 0; at < bytes.length; at += keyHashLength) known.add(bytes.slice(at, at + keyHashLength));
    return known;
  };
}

/** Whether an event can be a write of this command. */
export function fits(command: RecordedCommand, event: ChangeEvent, fields: readonly string[] | undefined): boolean {
  if (command.collection !== '*' && command.collection !== event.collection && !isOutputOf(command, event)) return false;
  if (event.time <= command.after || event.time > command.until || !writing.has(event.kind)) return false;
  if (command.kind === 'definition') return false;
  if (command.kind !== 'any' && command.kind !== (event.kind === 'replace' ? 'update' : event.kind)) return false;
  if (command.keys !== undefined && (event.key === undefined || !command.keys().has(keyHash(event.key).toString('latin1')))) return false;
  if (command.fields === undefined || fields === undefined) return true;
  return fields.every((field) => command.fields?.some((own) => overlaps(field, own)));
}

/** `$out` fills a collection of its own, which takes the name of the target at the end. */
function isOutputOf({ kind }: RecordedCommand, { collection }: ChangeEvent): boolean {
  return kind === 'any' && collection.startsWith('tmp.agg_out.');
}
