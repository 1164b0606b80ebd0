/** What the history of another tool says about one of its migrations. */
export interface ForeignRecord {
  /** How that tool names it. */
  readonly id: string;
  readonly state: 'applied' | 'reverted' | 'failed';
  /** Absent where the tool keeps no time. */
  readonly appliedAt?: Date;
  /** File names that could be it, each with or without extension, the surest first. */
  readonly candidates: readonly string[];
  /** Every file whose name begins with a number up to this one, for tools that keep nothing but a version. */
  readonly upTo?: number;
}
