import { GuardError } from '../../errors/guard-error.ts';
import { formatBytes } from '../../log/format-bytes.ts';
import type { DumpPlace } from './dump-errors.ts';
import { parseEntry, type Operation } from './oplog-entry.ts';

/** Most bytes of transactions that wait for their end. */
const longest = 256 * 2 ** 20;

/** Puts the operations of transactions where they took effect: at their commit, or nowhere. */
export class TransactionBuffer {
  readonly #waiting = new Map<string, Buffer[]>();
  #bytes = 0;

  /** Transactions that have neither ended well nor badly. */
  get unfinished(): number {
    return this.#waiting.size;
  }

  /** The operations that take effect with this entry. Throws `dump/*`. */
  *operations(entry: Buffer, place: DumpPlace): Generator<Operation, void, undefined> {
    const { operation, transaction } = parseEntry(entry, place);
    if (transaction === undefined) yield* flat(operation, place);
    else if (transaction.part === 'some') this.#keep(transaction.id, operation, place);
    else {
      const earlier = this.#take(transaction.id);
      if (transaction.part === 'abort') return;
      for (const inner of earlier) yield* flat(parseEntry(inner, place).operation, place);
      yield* flat(operation, place);
    }
  }

  #keep(id: string, operation: Operation, place: DumpPlace): void {
    const waiting = this.#waiting.get(id) ?? [];
    this.#waiting.set(id, waiting);
    if (operation.kind !== 'several') return;
    for (const inner of operation.entries) {
      // A copy: the bytes around it may be used again before the transaction ends.
      waiting.push(Buffer.from(inner));
      this.#bytes += inner.length;
    }
    if (this.#bytes <= longest) return;
    throw new GuardError('dump/unsupported', `${place.file}: transactions of more than ${formatBytes(longest)} wait for their end.`);
  }

  #take(id: string): readonly Buffer[] {
    const waiting = this.#waiting.get(id) ?? [];
    this.#waiting.delete(id);
    for (const { length } of waiting) this.#bytes -= length;
    return waiting;
  }
}

/** An operation and those inside of it, in their order. */
function* flat(operation: Operation, place: DumpPlace): Generator<Operation, void, undefined> {
  if (operation.kind !== 'several') yield operation;
  else for (const inner of operation.entries) yield* flat(parseEntry(inner, place).operation, place);
}
