import type { Db, Document } from 'mongodb';
import type { Log } from '../log/log.ts';
import { filterShape } from '../migration/statement-shape.ts';

/** How the server answered the commands of one shape: what its plans were and what they read. */
export interface PlanSeen {
  readonly kind: 'read' | 'update' | 'delete';
  readonly collection: string;
  /** As `filterShape` writes it. */
  readonly filter: string;
  /** `COLLSCAN`, `IXSCAN { status: 1 }`, `IDHACK`, … with the keys of indexes, never values. */
  readonly plan: string;
  readonly executions: number;
  readonly keysExamined: number;
  readonly documentsExamined: number;
  /** Documents that were found, changed or removed. */
  readonly documents: number;
  readonly milliseconds: number;
  /** The most that a single execution examined. */
  readonly mostExamined: number;
}

export interface Profiler extends AsyncDisposable {
  /** The plans since the last call; `undefined` when the server does not tell. */
  next(): Promise<readonly PlanSeen[] | undefined>;
}

/** Room for the entries of one file, bytes. Older ones fall out: a loop of a million updates is known by its last ones. */
const profileBytes = 64 * 2 ** 20;
const entriesRead = 50_000;
const collection = 'system.profile';

/** Switches the profiler of the copy on for the commands of one application. Where that is not allowed, plans are not known, and it is said. */
export async function openProfiler(db: Db, appName: string, log: Log): Promise<Profiler> {
  try {
    await empty(db, appName);
  } catch {
    log.notice('The server of the copy does not allow its profiler: the plans of the commands are not known.');
    return { next: async () => undefined, [Symbol.asyncDispose]: async () => undefined };
  }
  return {
    async next() {
      await db.command({ profile: 0 });
      const seen = new Map<string, Counted>();
      const entries = db.collection(collection).find({ appName }, { projection: parts, sort: { $natural: -1 }, limit: entriesRead });
      for await (const entry of entries) count(seen, entry);
      await empty(db, appName);
      return [...seen.values()];
    },
    async [Symbol.asyncDispose]() {
      await db.command({ profile: 0 }).catch(() => undefined);
      await db.dropCollection(collection).catch(() => undefined);
    },
  };
}

async function empty(db: Db, appName: string): Promise<void> {
  await db.command({ profile: 0 });
  await db.dropCollection(collection).catch(() => undefined);
  await db.createCollection(collection, { capped: true, size: profileBytes });
  await db.command({ profile: 1, filter: { appName } });
}

const parts = {
  op: 1,
  ns: 1,
  planSummary: 1,
  keysExamined: 1,
  docsExamined: 1,
  nreturned: 1,
  nMatched: 1,
  ndeleted: 1,
  millis: 1,
  'command.q': 1,
  'command.filter': 1,
  'command.query': 1,
  'command.find': 1,
  'command.count': 1,
  'command.aggregate': 1,
  'command.findAndModify': 1,
  'command.pipeline': 1,
  'originatingCommand.filter': 1,
  'originatingCommand.pipeline': 1,
};

type Counted = { -readonly [Key in keyof PlanSeen]: PlanSeen[Key] };

/** Adds one entry of the profiler. Commands without a plan, inserts and changes of structure, are not counted. */
function count(seen: Map<string, Counted>, entry: Document): void {
  const plan = entry['planSummary'] as string | undefined;
  if (plan === undefined || plan === 'EOF') return;
  const command = (entry['command'] ?? {}) as Document;
  const origin = (entry['originatingCommand'] ?? {}) as Document;
  const pipeline = (command['pipeline'] ?? origin['pipeline']) as Document[] | undefined;
  const filter = filterShape(command['q'] ?? command['filter'] ?? command['query'] ?? origin['filter'] ?? pipeline?.[0]?.['$match']);
  const kind = entry['op'] === 'update' || command['findAndModify'] !== undefined ? 'update' : entry['op'] === 'remove' ? 'delete' : 'read';
  const name = String(entry['ns']).split('.').slice(1).join('.');
  const key = [kind, name, filter, plan].join('\0');
  const examined = Number(entry['docsExamined'] ?? 0);
  const known = seen.get(key) ?? { ...nothing, kind, collection: name, filter, plan };
  seen.set(key, {
    ...known,
    // Each getMore is a part of its query.
    executions: known.executions + (entry['op'] === 'getmore' ? 0 : 1),
    keysExamined: known.keysExamined + Number(entry['keysExamined'] ?? 0),
    documentsExamined: known.documentsExamined + examined,
    documents: known.documents + Number(entry['nreturned'] ?? entry['nMatched'] ?? entry['ndeleted'] ?? 0),
    milliseconds: known.milliseconds + Number(entry['millis'] ?? 0),
    mostExamined: Math.max(known.mostExamined, examined),
  });
}

const nothing = { executions: 0, keysExamined: 0, documentsExamined: 0, documents: 0, milliseconds: 0, mostExamined: 0 };
