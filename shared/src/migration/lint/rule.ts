import type { LintFile } from './file.ts';
import type { LintSettings } from './settings.ts';
import type { Node } from './tree.ts';

export interface Match {
  readonly node: Node;
  /** One sentence: what is done there, to what. Never holds the value of a secret or of a document. */
  readonly message: string;
}

interface RuleText {
  /** For example `MD103`: stable, and the name by which it is configured and suppressed. */
  readonly code: string;
  readonly severity: 'error' | 'warning' | 'note';
  /** What is found, one sentence. */
  readonly summary: string;
  /** What to do instead, one sentence. */
  readonly advice: string;
}

/** A rule about one migration. */
export interface FileRule extends RuleText {
  /** A migration with exactly this finding. */
  readonly bad: string;
  /** A migration that does it well, without any finding. */
  readonly good: string;
  /** Configuration of the examples. */
  readonly settings?: Partial<LintSettings>;
  check(file: LintFile): readonly Match[];
}

/** A rule about the names in the folder of the migrations. */
export interface FolderRule extends RuleText {
  readonly badNames: readonly string[];
  readonly goodNames: readonly string[];
  checkNames(names: readonly string[]): readonly { readonly name: string; readonly message: string }[];
}
