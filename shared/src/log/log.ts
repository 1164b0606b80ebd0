import type { Place } from '../errors/guard-error.ts';

/** Where engines write what a person should see. Never given a URI, a secret or the content of a document. */
export interface Log {
  debug(message: string): void;
  info(message: string): void;
  notice(message: string, place?: Place): void;
  warning(message: string, place?: Place): void;
  error(message: string, place?: Place): void;
  /** Runs `body` inside a collapsible group; the group is closed however `body` ends. */
  group<T>(name: string, body: () => Promise<T>): Promise<T>;
}

/** A log that drops everything, for callers that have nobody to tell. */
export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  notice: () => undefined,
  warning: () => undefined,
  error: () => undefined,
  group: (_name, body) => body(),
};
