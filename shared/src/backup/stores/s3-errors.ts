import { GuardError, toError } from '../../errors/guard-error.ts';
import type { Code } from '../../errors/codes.ts';

/** What the AWS SDK and Node throw; read by shape, because several packages bring classes of their own. */
interface S3Failure {
  readonly name?: string;
  readonly code?: string;
  readonly message?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

const byName: ReadonlyMap<string, Code> = new Map([
  ...['NoSuchBucket', 'NotFound'].map((name) => [name, 'store/no-bucket'] as const),
  ...[
    'AccessDenied',
    'AllAccessDisabled',
    'AuthorizationHeaderMalformed',
    'CredentialsProviderError',
    'ExpiredToken',
    'ExpiredTokenException',
    'Forbidden',
    'IDPRejectedClaim',
    'InvalidAccessKeyId',
    'InvalidIdentityToken',
    'InvalidToken',
    'PermanentRedirect',
    'RequestTimeTooSkewed',
    'SignatureDoesNotMatch',
    'TokenProviderError',
    // An unknown key, as versitygw says it.
    'XAdminUserNotFound',
  ].map((name) => [name, 'store/denied'] as const),
  ...['InvalidBucketObjectLockConfiguration', 'ObjectLockConfigurationNotFoundError'].map(
    (name) => [name, 'store/no-object-lock'] as const,
  ),
  ...['PreconditionFailed', 'ConditionalRequestConflict'].map((name) => [name, 'store/exists'] as const),
  ...['NetworkingError', 'TimeoutError'].map((name) => [name, 'store/unreachable'] as const),
  // As servers compatible with S3 say that they are full.
  ...['XMinioStorageFull', 'QuotaExceeded', 'InsufficientStorage'].map((name) => [name, 'backup/no-space'] as const),
]);

/** Error codes of Node for a server that does not answer, or not to the end. */
const network =
  /\b(E(?:CONN[A-Z]+|PIPE|HOST[A-Z]+|NET[A-Z]+|TIMEDOUT|AI_AGAIN|PROTO)|ENOTFOUND|ERR_(?:SSL|TLS)\w+|CERT_\w+|\w*SELF_SIGNED\w*|UNABLE_TO_\w+)\b/;

/** The error of a request as one of ours: `store/unreachable`, `store/denied`, `store/no-bucket` … or else `backup/store-failed`. */
export function fromS3Error(error: unknown, doing: string): GuardError {
  if (error instanceof GuardError) return error;
  const { name = '', code = '', $metadata, message = '' } = error as S3Failure;
  const because = (found: Code, what: string): GuardError => new GuardError(found, `${doing}: ${what}.`, { cause: error });
  const known = byName.get(name);
  if (known !== undefined) return because(known, name);
  if (name === 'InvalidRequest' && /object ?lock/i.test(message)) return because('store/no-object-lock', name);
  // The SDK compares what it reads with the checksum that the server keeps.
  if (/^checksum mismatch/i.test(message)) return because('backup/checksum-mismatch', 'the bytes do not fit their checksum');
  // The SDK packs some errors of Node into one of its own, of which only the text is left.
  const [cut] = network.exec(`${code} ${$metadata?.httpStatusCode === undefined ? message : ''}`) ?? [];
  if (cut !== undefined) return because('store/unreachable', cut);
  const what = name === '' || name === 'Error' ? toError(error).message.split('\n')[0] : name;
  return because(byStatus($metadata?.httpStatusCode) ?? 'backup/store-failed', what ?? name);
}

function byStatus(status: number | undefined): Code | undefined {
  if (status === 403 || status === 401) return 'store/denied';
  if (status === 412) return 'store/exists';
  if (status === 507) return 'backup/no-space';
  // Throttling, and failures of the server: the SDK has tried them again and again before they come here.
  return status === 429 || (status ?? 0) >= 500 ? 'store/unreachable' : undefined;
}

/** Whether the object, not the bucket, is not there. */
export function isAbsent(error: unknown): boolean {
  const { name, $metadata } = error as S3Failure;
  return name === 'NoSuchKey' || (name === 'NotFound' && $metadata?.httpStatusCode === 404);
}

export function httpStatus(error: unknown): number | undefined {
  return (error as S3Failure).$metadata?.httpStatusCode;
}
