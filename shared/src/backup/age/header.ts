import { createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';
import { openSealed, seal } from './aead.ts';
import { ephemeralIdentity, sharedSecret, type Identity, type Recipient } from './keys.ts';

/** Source of all of this: the specification of age, C2SP/C2SP age.md. */
const intro = 'age-encryption.org/v1';
const fileKeyBytes = 16;
const noNonce = Buffer.alloc(12);

/** A file's header could not be used. */
export class HeaderProblem extends Error {
  readonly kind: 'damaged' | 'wrong-key';

  constructor(kind: HeaderProblem['kind'], message: string) {
    super(message);
    this.kind = kind;
  }
}

/** Bytes of the header, and the key that it gives to its recipients. */
export interface Header {
  readonly bytes: Buffer;
  readonly fileKey: Buffer;
}

/** A new header with a new file key, which every recipient can open alone. */
export function makeHeader(recipients: readonly Recipient[]): Header {
  const fileKey = randomBytes(fileKeyBytes);
  const stanzas = recipients.map((recipient) => {
    const ephemeral = ephemeralIdentity();
    const wrapKey = wrapKeyOf(sharedSecret(ephemeral.key, recipient.bytes), ephemeral.bytes, recipient.bytes);
    return `-> X25519 ${base64(ephemeral.bytes)}\n${base64(seal(wrapKey, noNonce, fileKey))}\n`;
  });
  const text = `${intro}\n${stanzas.join('')}---`;
  return { bytes: Buffer.from(`${text} ${base64(macOf(fileKey, text))}\n`), fileKey };
}

/**
 * Opens the header at the beginning of `file` with the first identity that fits; more bytes may follow. Throws `HeaderProblem`.
 */
export function openHeader(file: Buffer, identities: readonly Identity[]): Header {
  const { text, stanzas, mac, length } = parse(file);
  for (const { share, body } of stanzas) {
    for (const identity of identities) {
      const fileKey = unwrap(identity, share, body);
      if (fileKey === undefined) continue;
      if (!timingSafeEqual(macOf(fileKey, text), mac)) throw new HeaderProblem('damaged', 'its header was changed');
      return { bytes: file.subarray(0, length), fileKey };
    }
  }
  throw new HeaderProblem('wrong-key', 'it was encrypted for somebody else');
}

/** The key of the payload that follows a header and a nonce of 16 bytes. */
export function payloadKey(fileKey: Buffer, nonce: Buffer): Buffer {
  return derive(fileKey, nonce, 'payload');
}

interface Stanza {
  readonly share: Buffer;
  readonly body: Buffer;
}

function parse(file: Buffer): {
  readonly text: string;
  readonly stanzas: readonly Stanza[];
  readonly mac: Buffer;
  readonly length: number;
} {
  // Latin 1: one character a byte, whatever follows the header.
  const all = file.toString('latin1');
  const found = /^age-encryption\.org\/v1\n(?:-> [^\n]+\n(?:[^\n]{64}\n)*[^\n]{0,63}\n)+---(?= ([A-Za-z0-9+/]{43})\n)/.exec(all);
  if (found === null) throw new HeaderProblem('damaged', 'its header is not one of age');
  const text = found[0];
  const stanzas = [...text.matchAll(/^-> X25519 ([A-Za-z0-9+/]{43})\n([A-Za-z0-9+/]{43})$/gm)].map(([, share = '', body = '']) => ({
    share: Buffer.from(share, 'base64'),
    body: Buffer.from(body, 'base64'),
  }));
  return { text, stanzas, mac: Buffer.from(found[1] ?? '', 'base64'), length: text.length + ' '.length + 43 + '\n'.length };
}

function unwrap(identity: Identity, share: Buffer, body: Buffer): Buffer | undefined {
  try {
    const fileKey = openSealed(wrapKeyOf(sharedSecret(identity.key, share), share, identity.bytes), noNonce, body);
    return fileKey?.length === fileKeyBytes ? fileKey : undefined;
  } catch {
    return undefined;
  }
}

function wrapKeyOf(secret: Buffer, share: Buffer, recipient: Buffer): Buffer {
  return derive(secret, Buffer.concat([share, recipient]), 'age-encryption.org/v1/X25519');
}

function macOf(fileKey: Buffer, text: string): Buffer {
  return createHmac('sha256', derive(fileKey, Buffer.alloc(0), 'header'))
    .update(text, 'latin1')
    .digest();
}

function derive(key: Buffer, salt: Buffer, info: string): Buffer {
  return Buffer.from(hkdfSync('sha256', key, salt, info, 32));
}

function base64(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '');
}
