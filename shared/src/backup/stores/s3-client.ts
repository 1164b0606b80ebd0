import { S3Client } from '@aws-sdk/client-s3';
import { fromWebToken } from '@aws-sdk/credential-providers';
import { GuardError } from '../../errors/guard-error.ts';
import type { S3Access } from './s3-settings.ts';

type Credentials = Awaited<ReturnType<ReturnType<typeof fromWebToken>>>;

/** Milliseconds. A slow link may take as long as it wants for a part; one on which nothing moves is given up and tried again. */
const patience = { connection: 10_000, idle: 60_000 };

/** A client for the server and account that settings and environment name. Throws `input/invalid`. */
export function s3Client({ settings, env, idToken }: S3Access): S3Client {
  const endpoint = settings.endpoint ?? env['AWS_ENDPOINT_URL_S3'] ?? env['AWS_ENDPOINT_URL'];
  if (endpoint !== undefined && !URL.canParse(endpoint))
    throw new GuardError('input/invalid', 's3-endpoint: expected an address such as https://s3.example.com.');
  const region = settings.region ?? env['AWS_REGION'] ?? env['AWS_DEFAULT_REGION'] ?? 'us-east-1';
  const credentials = credentialsOf({ settings, env, idToken }, region);
  return new S3Client({
    region,
    forcePathStyle: settings.pathStyle ?? endpoint !== undefined,
    maxAttempts: 5,
    requestHandler: { connectionTimeout: patience.connection, socketTimeout: settings.idleTimeout ?? patience.idle },
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
  });
}

/** A role, or the keys in the environment; `undefined` leaves it to the SDK, which asks the machine (instance profile, container role). */
function credentialsOf({ settings, env, idToken }: S3Access, region: string): Credentials | (() => Promise<Credentials>) | undefined {
  if (settings.role !== undefined) return roleCredentials({ role: settings.role, region, env, idToken });
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN: sessionToken } = env;
  if (!accessKeyId || !secretAccessKey) return undefined;
  return { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
}

interface RoleRequest extends Pick<S3Access, 'env' | 'idToken'> {
  readonly role: string;
  readonly region: string;
}

/**
 * Credentials of a role by OIDC. The client asks again when they are about to expire; an ID token of GitHub lives for five minutes only,
 * so each time there is a fresh one.
 */
function roleCredentials({ role, region, env, idToken }: RoleRequest): () => Promise<Credentials> {
  const endpoint = env['AWS_ENDPOINT_URL_STS'];
  return async () => {
    const assume = fromWebToken({
      roleArn: role,
      roleSessionName: `migration-guard-${env['GITHUB_RUN_ID'] ?? 'local'}`,
      webIdentityToken: await idToken('sts.amazonaws.com'),
      clientConfig: { region, ...(endpoint === undefined ? {} : { endpoint }) },
    });
    return assume();
  };
}
