import type { CommandFailedEvent, CommandStartedEvent, CommandSucceededEvent, MongoClient } from 'mongodb';
import { timeOfText } from '../../timing/cluster-time.ts';
import type { WriteCommand, WriteReport } from '../write-command.ts';
import type { Serialize } from './key-hashes.ts';
import { answered } from './write-answers.ts';
import { clusterTimeOf, draftsOf, timeText, type Draft } from './write-drafts.ts';

export interface WriteObserver {
  /** Follows the commands of a client, which must have been made with `monitorCommands`. */
  watch(client: Pick<MongoClient, 'on'>): void;
  /** The write commands that ended since the last call, and those that are under way as they are known now. */
  take(): WriteReport;
}

interface UnderWay {
  readonly drafts: readonly Draft[];
  /** Its number, when `take` has told of it already as a command without an answer. */
  told: number | undefined;
}

/**
 * Records the write commands that are sent to `database`: collections, hashed `_id`s, paths and cluster times, never contents. Commands that
 * are alike and follow each other are told as one. `onSession` is called when a session writes for the first time: by it the writes are known even if
 * the process ends before the next report.
 */
export function observeWrites(database: string, serialize: Serialize, onSession: () => void = () => undefined): WriteObserver {
  const allUnderWay: Map<number, UnderWay>[] = [];
  let ended: Draft[] = [];
  let lastTold = 0;
  let through: string | undefined;
  const sessions = new Set<string>();
  const end = (started: UnderWay, drafts: readonly Draft[]): void => {
    for (const draft of drafts) {
      if (started.told !== undefined) ended.push({ ...draft, answers: started.told });
      else if (!join(ended.at(-1), draft)) ended.push(draft);
    }
  };
  return {
    watch: (client) => {
      const underWay = new Map<number, UnderWay>();
      allUnderWay.push(underWay);
      client.on('commandStarted', (event: CommandStartedEvent) => {
        through = later(through, clusterTimeOf(event.command));
        if (event.databaseName !== database && event.commandName !== 'renameCollection') return;
        const drafts = draftsOf(event, database, serialize);
        if (drafts.length === 0) return;
        underWay.set(event.requestId, { drafts, told: undefined });
        const [{ session } = {}] = drafts;
        if (session === undefined || sessions.has(session)) return;
        sessions.add(session);
        onSession();
      });
      client.on('commandSucceeded', (event: CommandSucceededEvent) => {
        const started = underWay.get(event.requestId);
        if (started === undefined) return;
        underWay.delete(event.requestId);
        end(started, answered(started.drafts, event, serialize));
      });
      client.on('commandFailed', (event: CommandFailedEvent) => {
        const started = underWay.get(event.requestId);
        if (started === undefined) return;
        underWay.delete(event.requestId);
        // What it did before it failed is not known; that it is over is.
        const until = timeText((event.failure as { operationTime?: unknown } | undefined)?.operationTime);
        end(
          started,
          started.drafts.map((draft) => (until === undefined ? draft : { ...draft, until })),
        );
      });
    },
    take: () => {
      const commands = ended.map(written);
      for (const command of allUnderWay.flatMap((underWay) => [...underWay.values()])) {
        if (command.told !== undefined) continue;
        lastTold += 1;
        command.told = lastTold;
        commands.push(...command.drafts.map((draft) => written({ ...draft, unanswered: lastTold })));
      }
      ended = [];
      return { commands, ...(through === undefined ? {} : { through }) };
    },
  };
}

function later(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return timeOfText(a) < timeOfText(b) ? b : a;
}

/** Commands alike that follow each other become one, so that a loop of single writes does not fill the record. Tells whether they did. */
function join(last: Draft | undefined, next: Draft): boolean {
  const alike =
    last !== undefined &&
    last.answers === undefined &&
    last.collection === next.collection &&
    last.kind === next.kind &&
    last.session === next.session &&
    last.documents !== undefined &&
    next.documents !== undefined &&
    last.until !== undefined &&
    next.until !== undefined &&
    (last.keys === undefined) === (next.keys === undefined) &&
    last.fields?.join() === next.fields?.join();
  if (!alike) return false;
  last.documents = (last.documents ?? 0) + (next.documents ?? 0);
  if (next.until !== undefined) last.until = next.until;
  last.keys?.push(...(next.keys ?? []));
  return true;
}

function written({ keys, ...draft }: Draft): WriteCommand {
  const hashes = keys?.map((told) => told());
  return hashes?.every((known) => known !== undefined) === true ? { ...draft, keys: Buffer.concat(hashes).toString('base64') } : draft;
}
