import { createCipheriv, createDecipheriv } from 'node:crypto';

/** Bytes that authentication adds. */
export const tagBytes = 16;

const cipher = 'chacha20-poly1305';
const options = { authTagLength: tagBytes };

export function seal(key: Buffer, nonce: Buffer, plain: Buffer): Buffer {
  const encrypt = createCipheriv(cipher, key, nonce, options);
  return Buffer.concat([encrypt.update(plain), encrypt.final(), encrypt.getAuthTag()]);
}

/** `undefined` when key, nonce and bytes do not belong together. */
export function openSealed(key: Buffer, nonce: Buffer, sealed: Buffer): Buffer | undefined {
  if (sealed.length < tagBytes) return undefined;
  const decrypt = createDecipheriv(cipher, key, nonce, options);
  decrypt.setAuthTag(sealed.subarray(-tagBytes));
  const plain = decrypt.update(sealed.subarray(0, -tagBytes));
  try {
    decrypt.final();
    return plain;
  } catch {
    return undefined;
  }
}
