import { overlaps } from '../../migration/write-command.ts';
import type { ChangeEvent } from './event.ts';
import { fits, readCommands, type RecordedCommand, type RecordedRun } from './recorded-commands.ts';

/** Whose a write is. `ambiguous`: nothing tells it from a write of the other side. */
export type Author = 'migration' | 'others' | 'ambiguous';

/** Whose a write is, or the number of a group of writes that is decided as a whole when all of them are known. */
export type Claim = 'migration' | 'others' | 'undo' | number;

export interface AttributionInput extends RecordedRun {
  /** Sessions of earlier and of this undo, 32 hex digits. */
  readonly undoSessions: ReadonlySet<string>;
  /** Collections that nobody but the migrations' own records writes. */
  readonly records: ReadonlySet<string>;
}

/**
 * Tells the writes of migrations from those of others. Outside of the times of the recorded commands, and in collections or fields that they
 * do not name, a write is the others': exact. Within, the number that the server confirmed decides: as many writes as confirmed are all the
 * migration's, exactly. Are there more, or is the number not known as the command was cut off, the sessions in the oplog tell, where they may
 * be read; of what has no session there, writes that nobody else is seen to make are the migration's. Where they may not be read, as many writes as
 * there can be at most are the migration's. What is left is ambiguous. Events must come in their order.
 */
export class Attribution {
  readonly #input: AttributionInput;
  readonly #waiting: RecordedCommand[];
  readonly #sessions: ReadonlySet<string>;
  #active: RecordedCommand[] = [];
  /** Group of each command: the number of another command of it, or its own. */
  readonly #groups: number[];
  readonly #commands: readonly RecordedCommand[];
  /** Times of the writes that are claimed by each command, to be grouped. */
  readonly #claimed: Map<number, { readonly time: bigint; readonly event: Sketch }[]> = new Map();
  /** What others are known to write, by collection. */
  readonly #othersWrite: Map<string, { readonly kinds: Set<string>; readonly fields: Set<string>; anyField: boolean }> = new Map();

  constructor(input: AttributionInput) {
    this.#input = input;
    this.#commands = readCommands(input);
    this.#waiting = [...this.#commands].sort((a, b) => (a.after < b.after ? 1 : -1));
    this.#groups = this.#commands.map(({ number }) => number);
    this.#sessions = new Set(input.commands.flatMap(({ session }) => session ?? []));
  }

  /** `fields`: the paths that an update or replace changed; `undefined` when they are not known. */
  claim(event: ChangeEvent, fields: readonly string[] | undefined): Claim {
    if (event.session !== undefined && this.#input.undoSessions.has(event.session)) return 'undo';
    if (this.#input.records.has(event.collection)) return 'migration';
    if (event.session !== undefined) return this.#sessions.has(event.session) ? 'migration' : this.#ofOthers(event, fields);
    this.#advance(event.time);
    const [first, ...more] = this.#active.filter((command) => fits(command, event, fields));
    if (first === undefined) return this.#ofOthers(event, fields);
    for (const other of more) this.#groups[this.#groupOf(other.number)] = this.#groupOf(first.number);
    const sketch = { kind: event.kind, collection: event.collection, fields };
    const claimed = this.#claimed.get(first.number) ?? [];
    claimed.push({ time: event.time, event: sketch });
    this.#claimed.set(first.number, claimed);
    return first.number;
  }

  /** Whether the migrations name this collection in a command at this time: for changes of definitions. */
  definedBy({ time, collection, to, session, kind }: ChangeEvent): 'migration' | 'others' {
    if (session !== undefined && this.#sessions.has(session)) return 'migration';
    if (kind === 'create' && this.#input.records.has(collection)) return 'migration';
    const names = [collection, ...(to === undefined ? [] : [to])];
    const fitting = this.#commands.some(
      (command) =>
        command.after < time &&
        time <= command.until &&
        (command.collection === '*' || names.includes(command.collection)) &&
        // Writes make collections that are not there yet, and `$out` replaces them.
        (command.kind === 'definition' || command.kind === 'any' || kind === 'create'),
    );
    return fitting ? 'migration' : 'others';
  }

  /** The groups that hold more writes than were confirmed, or of which that number is not known, with the times of their writes. */
  undecided(): readonly bigint[] {
    return [...this.#byGroup().values()].filter(({ surplus }) => surplus).flatMap(({ writes }) => writes.map(({ time }) => time));
  }

  /**
   * Decides every group. `sessionAt` tells the session of the write at a time: `undefined` when it had none, and is itself left out where
   * the oplog may not be read.
   */
  decide(sessionAt?: (time: bigint) => string | undefined): (claim: Claim, time: bigint) => Author {
    const authors = new Map<number, Author>();
    const single = new Map<bigint, Author>();
    for (const [group, { writes, confirmed, atMost, surplus }] of this.#byGroup()) {
      if (!surplus) {
        authors.set(group, 'migration');
        continue;
      }
      let [left, expected] = [writes, confirmed];
      if (sessionAt !== undefined) {
        for (const { time } of writes) {
          const session = sessionAt(time);
          if (session !== undefined) single.set(time, this.#sessions.has(session) ? 'migration' : 'others');
        }
        const own = writes.filter(({ time }) => single.get(time) === 'migration').length;
        left = writes.filter(({ time }) => !single.has(time));
        expected = confirmed === undefined ? undefined : confirmed - own;
      }
      const certain =
        left.length === expected ||
        (sessionAt === undefined
          ? atMost !== undefined && writes.length <= atMost
          : expected === undefined && left.every(({ event }) => !this.#othersMayWrite(event)));
      authors.set(group, certain ? 'migration' : 'ambiguous');
    }
    return (claim, time) => {
      if (claim === 'migration' || claim === 'others') return claim;
      if (claim === 'undo') return 'others';
      return single.get(time) ?? authors.get(this.#groupOf(claim)) ?? 'ambiguous';
    };
  }

  #advance(time: bigint): void {
    for (let next = this.#waiting.at(-1); next !== undefined && next.after < time; next = this.#waiting.at(-1)) {
      this.#waiting.pop();
      this.#active.push(next);
    }
    if (this.#active.some(({ until }) => until < time)) this.#active = this.#active.filter(({ until }) => until >= time);
  }

  #ofOthers(event: ChangeEvent, fields: readonly string[] | undefined): 'others' {
    const known = this.#othersWrite.get(event.collection) ?? { kinds: new Set(), fields: new Set(), anyField: false };
    known.kinds.add(event.kind === 'replace' ? 'update' : event.kind);
    for (const field of fields ?? []) known.fields.add(field);
    if (fields === undefined && (event.kind === 'update' || event.kind === 'replace')) known.anyField = true;
    this.#othersWrite.set(event.collection, known);
    return 'others';
  }

  #othersMayWrite({ kind, collection, fields }: Sketch): boolean {
    const known = this.#othersWrite.get(collection);
    if (known === undefined || !known.kinds.has(kind === 'replace' ? 'update' : kind)) return false;
    if (kind === 'insert' || kind === 'delete' || fields === undefined || known.anyField) return true;
    return fields.some((field) => [...known.fields].some((other) => overlaps(field, other)));
  }

  #groupOf(number: number): number {
    let at = number;
    for (let up = this.#groups[at]; up !== undefined && up !== at; up = this.#groups[at]) at = up;
    return at;
  }

  #byGroup(): ReadonlyMap<number, Group> {
    const groups = Map.groupBy(this.#commands, ({ number }) => this.#groupOf(number));
    const writes = new Map<number, Claimed[]>();
    for (const [number, claimed] of this.#claimed) {
      const group = this.#groupOf(number);
      writes.set(group, [...(writes.get(group) ?? []), ...claimed]);
    }
    return new Map(
      [...writes].map(([group, claimed]): [number, Group] => {
        const commands = groups.get(group) ?? [];
        const confirmed = sumOf(commands.map(({ documents }) => documents));
        const atMost = sumOf(commands.map((command) => command.atMost));
        return [group, { writes: claimed, confirmed, atMost, surplus: confirmed === undefined || claimed.length > confirmed }];
      }),
    );
  }
}

function sumOf(counts: readonly (number | undefined)[]): number | undefined {
  return counts.reduce((sum, count) => (sum === undefined || count === undefined ? undefined : sum + count), 0);
}

interface Sketch {
  readonly kind: string;
  readonly collection: string;
  readonly fields: readonly string[] | undefined;
}

interface Claimed {
  readonly time: bigint;
  readonly event: Sketch;
}

interface Group {
  readonly writes: readonly Claimed[];
  readonly confirmed: number | undefined;
  readonly atMost: number | undefined;
  readonly surplus: boolean;
}
