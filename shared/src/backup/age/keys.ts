import { createPrivateKey, createPublicKey, diffieHellman, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { GuardError } from '../../errors/guard-error.ts';
import type { Secret } from '../../redaction/secret.ts';
import { decodeBech32 } from './bech32.ts';

/** DER in front of the 32 bytes of an X25519 key. Source: RFC 8410. */
const publicPrefix = Buffer.from('302a300506032b656e032100', 'hex');
const privatePrefix = Buffer.from('302e020100300506032b656e04220420', 'hex');

/** Somebody for whom files are encrypted. */
export interface Recipient {
  /** `age1…`; it is public. */
  readonly text: string;
  readonly bytes: Buffer;
}

/** Somebody who can decrypt: both halves of a key. */
export interface Identity {
  readonly key: KeyObject;
  readonly bytes: Buffer;
}

/** Reads recipients as `age-keygen` prints them. Throws `input/invalid`. */
export function parseRecipients(texts: readonly string[]): readonly Recipient[] {
  return texts.map((text) => {
    const bytes = decodeBech32(text, 'age');
    if (bytes?.length === 32) return { text, bytes };
    throw new GuardError(
      'input/invalid',
      `encrypt-to: ${JSON.stringify(text.slice(0, 12))}… is no recipient of age: expected age1… as age-keygen prints it.`,
    );
  });
}

/** Reads the keys in the text of an identity file: comments, empty lines, and one `AGE-SECRET-KEY-1…` a line. Throws `input/invalid`. */
export function parseIdentities(secret: Secret): readonly Identity[] {
  const lines = secret
    .reveal()
    .split(/\s*\n\s*/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  const identities = lines.map((line) => {
    const bytes = decodeBech32(line, 'age-secret-key-');
    if (bytes?.length !== 32) throw new GuardError('input/invalid', 'decrypt-key: expected AGE-SECRET-KEY-1… as age-keygen writes it.');
    const key = createPrivateKey({ key: Buffer.concat([privatePrefix, bytes]), format: 'der', type: 'pkcs8' });
    return { key, bytes: publicBytes(createPublicKey(key)) };
  });
  if (identities.length === 0) throw new GuardError('input/invalid', 'decrypt-key: holds no key.');
  return identities;
}

/** A key that is used once. */
export function ephemeralIdentity(): Identity {
  const { privateKey, publicKey } = generateKeyPairSync('x25519');
  return { key: privateKey, bytes: publicBytes(publicKey) };
}

/** The secret that the owner of `key` and the owner of `other` share. Throws what OpenSSL throws for points that give none. */
export function sharedSecret(key: KeyObject, other: Buffer): Buffer {
  const publicKey = createPublicKey({ key: Buffer.concat([publicPrefix, other]), format: 'der', type: 'spki' });
  return diffieHellman({ privateKey: key, publicKey });
}

function publicBytes(key: KeyObject): Buffer {
  return key.export({ format: 'der', type: 'spki' }).subarray(publicPrefix.length);
}
