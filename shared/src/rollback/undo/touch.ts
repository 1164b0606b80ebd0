import { overlaps } from '../../migration/write-command.ts';
import type { ConflictChoice } from './contract.ts';
import { changesOf, differenceOf, withChanges, type FieldChange } from './raw-merge.ts';

/** One write to one document, in the order of the writes. */
export interface Touch {
  readonly by: 'migration' | 'others' | 'ambiguous';
  readonly kind: 'insert' | 'update' | 'replace' | 'delete';
  /** Paths that an update or replace changed; `undefined` when they are not known. */
  readonly fields: readonly string[] | undefined;
  /** The document before. `missing`: the server did not keep it. */
  before(): Buffer | 'missing';
  /** What an update changed (`updateDescription`), or the document after an insert or a replace; nothing for a delete. */
  after(): Buffer | undefined;
}

export interface Wanted {
  /** The document as it has to be; `undefined`: there must be none. */
  readonly document: Buffer | undefined;
  /** Nobody knows whether the migration wrote it at all: it stays as it is. */
  readonly leave?: true;
  /** Why others' writes and the migration's cannot both be honoured. */
  readonly conflict?: string;
}

/** A document of which nobody kept the earlier state. */
export const unknownState: unique symbol = Symbol('unknown');

/**
 * The document without the migration's writes and with all of the others': its state before the first write of the migration, to which the
 * others' later changes are made again, field by field. Where both wrote the same field it is a conflict: `keep` leaves the field as the
 * others wrote it, `revert` puts it back. `older` gives the state before the first touch where the server kept none. `undefined` when the
 * migration did not touch it. Pure.
 */
export function wantedDocument(
  touches: readonly Touch[],
  choice: ConflictChoice,
  older: () => Buffer | undefined | typeof unknownState,
): Wanted | typeof unknownState | undefined {
  const owned = touches.map((touch) => ({ touch, by: ownerOf(touch, choice) }));
  const first = owned.findIndex(({ by }) => by === 'migration');
  if (first === -1)
    return touches.some(({ by }) => by === 'ambiguous') ? { document: undefined, leave: true, conflict: unclear } : undefined;
  const base = baseOf(owned.slice(0, first + 1), older);
  if (base === unknownState) return unknownState;
  const replay = new Replay(base, choice);
  if (touches.some(({ by }) => by === 'ambiguous')) replay.conflict = unclear;
  for (const { touch, by } of owned.slice(first)) {
    if (by === 'migration') replay.migration(touch);
    else replay.others(touch);
  }
  return { document: replay.document, ...(replay.conflict === undefined ? {} : { conflict: replay.conflict }) };
}

const unclear = 'it is not known whose write it was';

/** An ambiguous write counts as what loses least by the choice: with `revert` as the migration's, else as the others'. */
function ownerOf({ by }: Touch, choice: ConflictChoice): 'migration' | 'others' {
  if (by !== 'ambiguous') return by;
  return choice === 'keep' ? 'others' : 'migration';
}

type Owned = readonly { readonly touch: Touch; readonly by: 'migration' | 'others' }[];

/** The document right before the last of these touches, which is the first of the migration. */
function baseOf(owned: Owned, older: () => Buffer | undefined | typeof unknownState): Buffer | undefined | typeof unknownState {
  const last = owned.at(-1)?.touch;
  if (last === undefined || last.kind === 'insert') return undefined;
  const image = last.before();
  if (image !== 'missing') return image;
  let state = older();
  for (const { touch } of owned.slice(0, -1)) {
    if (state === unknownState) return unknownState;
    const after = touch.after();
    if (touch.kind === 'delete') state = undefined;
    else if (after === undefined) return unknownState;
    else if (touch.kind !== 'update') state = after;
    else if (state !== undefined) state = withChanges(state, changesOf(after));
  }
  return state;
}

class Replay {
  document: Buffer | undefined;
  conflict: string | undefined;
  readonly #choice: ConflictChoice;
  /** What the migration changed; `any`: the whole document. */
  #fields: Set<string> = new Set();
  #anyField = false;
  /** Whether the migration made the document, or took it away. */
  #made = false;
  #removed = false;

  constructor(document: Buffer | undefined, choice: ConflictChoice) {
    this.document = document;
    this.#choice = choice;
  }

  migration({ kind, fields }: Touch): void {
    if (kind === 'insert') this.#made = this.document === undefined;
    if (kind === 'delete') this.#removed = true;
    if (kind === 'insert' && this.document !== undefined) this.#anyField = true;
    if (kind !== 'update' && kind !== 'replace') return;
    if (fields === undefined) this.#anyField = true;
    for (const field of fields ?? []) this.#fields.add(field);
  }

  others(touch: Touch): void {
    switch (touch.kind) {
      case 'delete':
        this.document = undefined;
        this.#forget();
        return;
      case 'insert':
        this.#inserted(touch.after());
        return;
      case 'replace':
      case 'update':
        this.#updated(touch);
    }
  }

  #inserted(after: Buffer | undefined): void {
    if (this.#removed && this.document !== undefined) {
      this.conflict ??= 'the migration deleted it, and somebody inserted another with the same _id';
      if (this.#choice !== 'keep') return;
    }
    this.document = after;
    this.#forget();
  }

  #updated(touch: Touch): void {
    if (this.document === undefined) {
      this.conflict ??= this.#made
        ? 'the migration inserted it, and somebody changed it'
        : 'somebody changed it after it was inserted again';
      if (this.#choice === 'keep') this.document = wholeAfter(touch);
      return;
    }
    const changes = changesBy(touch);
    const after = touch.after();
    if (changes === undefined || this.#anyField) {
      this.conflict ??= 'the migration and somebody else replaced it';
      if (this.#choice === 'keep' && touch.kind === 'replace') this.document = after;
      else if (this.#choice === 'keep' && changes !== undefined) this.document = withChanges(this.document, changes);
      return;
    }
    const clashes = (change: FieldChange): boolean => [...this.#fields].some((field) => overlaps(field, change.path));
    if (changes.some(clashes)) this.conflict ??= 'the migration and somebody else changed the same field';
    this.document = withChanges(this.document, this.#choice === 'keep' ? changes : changes.filter((change) => !clashes(change)));
  }

  /** What the migration did before is gone with the document. */
  #forget(): void {
    this.#fields = new Set();
    this.#anyField = false;
    this.#made = false;
    this.#removed = false;
  }
}

/** What a write of others changed; `undefined` for a replacement of a document that is not known. */
function changesBy(touch: Touch): readonly FieldChange[] | undefined {
  const after = touch.after();
  if (after === undefined) return undefined;
  if (touch.kind === 'update') return changesOf(after);
  const before = touch.before();
  return before === 'missing' ? undefined : differenceOf(before, after);
}

/** The document after a write of others, as it was with all writes before it. */
function wholeAfter(touch: Touch): Buffer | undefined {
  const after = touch.after();
  if (touch.kind !== 'update' || after === undefined) return after;
  const before = touch.before();
  return before === 'missing' ? undefined : withChanges(before, changesOf(after));
}
