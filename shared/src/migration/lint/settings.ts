export type Level = 'off' | 'note' | 'warning' | 'error';

/** What the configuration says about linting. */
export interface LintSettings {
  /** Severity by code, instead of that of the rule. */
  readonly rules: Readonly<Record<string, Level>>;
  /** The same for files whose path, relative to the workspace, matches a glob; the last that matches counts. */
  readonly paths: Readonly<Record<string, Readonly<Record<string, Level>>>>;
  /** Names of collections that are too big for one statement. */
  readonly bigCollections: readonly string[];
  /** Fields of the shard key, by collection. */
  readonly shardKeys: Readonly<Record<string, readonly string[]>>;
  /** Oldest version of the server on which the migrations must run, for example `6.0`. */
  readonly serverVersion?: string | undefined;
}

export const noSettings: LintSettings = { rules: {}, paths: {}, bigCollections: [], shardKeys: {} };
