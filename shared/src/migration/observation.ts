/** Place in a migration's file; the path is absolute. */
export interface StatementPlace {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
}

/**
 * What a migration sent to the server by one line of code: all commands with the same name, collection, fields and place together. Holds
 * names of fields and operators, never values of documents.
 */
export interface Statement {
  /** As on the wire: `update`, `delete`, `insert`, `find`, `aggregate`, `createIndexes`, … */
  readonly command: string;
  readonly database: string;
  /** Empty where the command names none. */
  readonly collection: string;
  /** Fields and operators of the filter as `filterShape` writes them; empty: every document. */
  readonly filter: string;
  /** Operators and fields of an update (`$set currency`), stages of a pipeline (`$match $out`); empty where there is none. */
  readonly change: readonly string[];
  /** Whether one statement may change many documents. */
  readonly multi: boolean;
  readonly upsert: boolean;
  /** What a command defines or names beside documents, Extended JSON: index keys and options, validators, new names. */
  readonly definition?: string;
  /** Whether it has no `maxTimeMS`; commands that change structure have theirs in the definition. */
  readonly unlimited: boolean;
  /** Write concern, where the migration or its connection asks for less than a majority. */
  readonly weakWriteConcern?: string;
  /** Absent where the driver does not tell (majors 4 and 5). */
  readonly place?: StatementPlace;
  readonly commands: number;
  /** Single updates, deletes or documents within the commands. */
  readonly statements: number;
  /** Time that the server took, of all commands together, as the driver measured it. */
  readonly milliseconds: number;
  /** Of the longest command. */
  readonly longest: number;
  readonly matched: number;
  readonly modified: number;
  readonly inserted: number;
  readonly deleted: number;
  /** Documents that cursors brought. */
  readonly returned: number;
  /** Writes that the server refused. */
  readonly errors: number;
  /** Those of the commands that were part of a transaction. */
  readonly inTransaction: number;
}

export interface ObservedTransaction {
  /** From its first command to the answer of its commit or abort. */
  readonly milliseconds: number;
  readonly commands: number;
  /** Documents that it inserted, modified and deleted. */
  readonly documents: number;
  readonly committed: boolean;
  readonly place?: StatementPlace;
}

/** Every command of one run of `up` or `down`, in the order in which its kinds were first seen. */
export interface Observation {
  readonly statements: readonly Statement[];
  readonly transactions: readonly ObservedTransaction[];
  /** Commands beyond the number of kinds that are kept. */
  readonly unrecorded: number;
}

export const nothingObserved: Observation = { statements: [], transactions: [], unrecorded: 0 };
