import { boolean, secret, text } from './inputs.ts';

/** Inputs of every action that reads or writes backups: how a bucket is reached, and the key of encrypted ones. Keys of AWS come from the environment of the step only. */
export const storeInputs = {
  's3-endpoint': text('Address of an S3-compatible server; default: AWS_ENDPOINT_URL_S3, else AWS itself.'),
  's3-region': text('Region of the bucket; default: AWS_REGION, else us-east-1.'),
  's3-path-style': boolean('Whether the bucket stands in the path of the address, not in its host; default: true with an endpoint.'),
  'role-to-assume': text(
    'AWS role to assume with the ID token of the job (permission `id-token: write`); default: AWS_ACCESS_KEY_ID and so on.',
  ),
  'decrypt-key': secret('Secret key of age (AGE-SECRET-KEY-1…) for backups that are encrypted.'),
};
