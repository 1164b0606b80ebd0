import type { Code } from './codes.ts';
import { GuardError, toError } from './guard-error.ts';

interface Advice {
  readonly code: Code;
  readonly advice: string;
}

const interrupted: Advice = { code: 'server/interrupted', advice: 'the primary changed or is shutting down' };

/** Server error codes that have better advice than their text. Source: mongodb/mongo src/mongo/base/error_codes.yml. */
const byServerCode: Readonly<Record<number, Advice>> = {
  13: { code: 'target/privilege-missing', advice: 'the user lacks the privilege for this command' },
  18: { code: 'target/authentication-failed', advice: 'the server refused user name or password' },
  8000: { code: 'target/authentication-failed', advice: 'the server refused user name or password' },
  20: { code: 'target/unsupported', advice: 'this kind of server does not support the command' },
  26: { code: 'server/failed', advice: 'the collection or view does not exist' },
  27: { code: 'server/failed', advice: 'the index does not exist' },
  48: { code: 'server/failed', advice: 'the collection or view exists already' },
  50: { code: 'server/failed', advice: 'the operation ran into its time limit' },
  64: { code: 'server/failed', advice: 'not enough members of the replica set confirmed the write in time' },
  85: { code: 'server/failed', advice: 'an index with the same keys and other options exists' },
  86: { code: 'server/failed', advice: 'an index with the same name and other keys exists' },
  91: interrupted,
  112: { code: 'server/failed', advice: 'another transaction wrote the same document' },
  121: { code: 'server/failed', advice: 'a document violates the validator of the collection' },
  189: interrupted,
  239: { code: 'server/snapshot-unavailable', advice: 'the snapshot is older than the history that the server keeps' },
  246: { code: 'server/snapshot-unavailable', advice: 'the collection changed its catalog entry after the snapshot' },
  251: { code: 'server/failed', advice: 'the transaction was aborted' },
  280: { code: 'server/history-lost', advice: 'the history of changes cannot be read from there' },
  286: { code: 'server/history-lost', advice: 'the oplog no longer reaches back that far' },
  10107: interrupted,
  11000: { code: 'server/failed', advice: 'a unique index already holds the key' },
  11600: interrupted,
  11602: interrupted,
  13435: interrupted,
  13436: interrupted,
  14031: { code: 'server/failed', advice: 'the disk of the server is full' },
};

const byErrorName: Readonly<Record<string, Advice>> = {
  MongoServerSelectionError: { code: 'target/unreachable', advice: 'no server answered in time' },
  MongoNetworkError: { code: 'server/interrupted', advice: 'the connection was lost' },
  MongoNetworkTimeoutError: { code: 'server/interrupted', advice: 'the server did not answer in time' },
  MongoParseError: { code: 'target/invalid-uri', advice: 'the connection string cannot be read' },
  MongoPoolClearedError: { code: 'server/interrupted', advice: 'the connection was lost' },
  MongoPoolClosedError: { code: 'server/interrupted', advice: 'the connection was closed' },
  MongoServerClosedError: { code: 'server/interrupted', advice: 'the connection was closed' },
  MongoStalePrimaryError: { code: 'server/interrupted', advice: 'the primary changed' },
  MongoTopologyClosedError: { code: 'server/interrupted', advice: 'the connection was closed' },
  PoolClearedOnNetworkError: { code: 'server/interrupted', advice: 'the connection was lost' },
};

/** The server's numeric error code, if `error` came from a MongoDB server. */
export function serverCode(error: unknown): number | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'number' ? code : undefined;
}

/** Whether trying again later can help: a fail-over, a lost connection, or a label of the server that says so. */
export function isRetryable(error: unknown): boolean {
  const labels = (error as { errorLabels?: readonly string[] } | null)?.errorLabels ?? [];
  return (
    labels.includes('RetryableWriteError') ||
    labels.includes('TransientTransactionError') ||
    adviceFor(error)?.code === 'server/interrupted'
  );
}

/**
 * A `GuardError` for anything that the driver threw: what we were `doing`, then advice by the table. The server's own text is left out
 * where it can quote documents (duplicate keys, validation).
 */
export function fromMongoError(thrown: unknown, doing: string): GuardError {
  if (thrown instanceof GuardError) return thrown;
  const error = toError(thrown);
  const number = serverCode(thrown);
  const name = (thrown as { codeName?: string } | null)?.codeName;
  const label = number === undefined ? error.name : `${name ?? 'server error'} ${number}`;
  const advice = adviceFor(thrown);
  if (advice !== undefined) return new GuardError(advice.code, `${doing}: ${advice.advice} (${label}).`, { cause: thrown });
  return new GuardError('server/failed', `${doing}: ${withoutDocuments(error.message)} (${label}).`, { cause: thrown });
}

function adviceFor(error: unknown): Advice | undefined {
  const number = serverCode(error);
  return (number === undefined ? undefined : byServerCode[number]) ?? byErrorName[(error as Error | null)?.name ?? ''];
}

/** Cuts everything in braces, brackets and quotes out of a server message, and connection strings: they can hold document contents. */
export function withoutDocuments(message: string): string {
  const open = message.search(/[{[]/);
  const plain = (open === -1 ? message : `${message.slice(0, open)}…`).replace(/"[^"]*"|'[^']*'/g, '…').replace(/[a-z+]+:\/\/\S+/gi, '…');
  return plain.split('\n')[0]?.slice(0, 300).trim() ?? '';
}
