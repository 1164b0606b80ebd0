import type { Log } from '../../log/log.ts';

export const objectLockModes = ['governance', 'compliance'] as const;

/** How an S3 bucket is reached, and how what is written to it is kept. Keys and tokens come from the environment only. */
export interface S3Settings {
  /** Address of an S3-compatible server; default: AWS. */
  readonly endpoint?: string | undefined;
  readonly region?: string | undefined;
  /** `https://server/bucket/key` instead of `https://bucket.server/key`; default: with an endpoint of one's own. */
  readonly pathStyle?: boolean | undefined;
  /** Role to be assumed with an ID token of GitHub. */
  readonly role?: string | undefined;
  /** Milliseconds after which a request is sent again when nothing moves on its connection; default: a minute. */
  readonly idleTimeout?: number | undefined;
  readonly encryption?: 'AES256' | 'aws:kms' | undefined;
  readonly kmsKey?: string | undefined;
  /** Nobody can remove or replace what is written before `milliseconds` are over. */
  readonly objectLock?: { readonly mode: (typeof objectLockModes)[number]; readonly milliseconds: number } | undefined;
}

export interface S3Access {
  readonly settings: S3Settings;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A fresh ID token of GitHub for an audience. */
  readonly idToken: (audience: string) => Promise<string>;
}

/** All that a store needs to be opened. */
export interface StoreAccess {
  /** Where relative folders start. */
  readonly workspace: string;
  readonly s3?: S3Settings | undefined;
  readonly env: S3Access['env'];
  readonly idToken: S3Access['idToken'];
  readonly log: Log;
  /** When it is aborted, uploads are given up at once. */
  readonly signal?: AbortSignal | undefined;
  readonly now?: (() => Date) | undefined;
}
