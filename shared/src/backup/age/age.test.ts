import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { Secret } from '../../redaction/secret.ts';
import { otherKey, testKey, testRecipients } from '../../testing/age-keys.ts';
import { temporaryFolder } from '../../testing/temporary-folder.ts';
import { directoryStore } from '../stores/directory.ts';
import type { BackupStore } from '../store.ts';
import { decryptingStore } from './decrypting-store.ts';
import { parseIdentities, parseRecipients } from './keys.ts';
import { sealingWriter, sealWhole } from './sealing-writer.ts';

/** By stock age 1.3.2, for the test key. */
const helloByAge =
  'YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSBhNFBTUTdJYTM2RXAwUVJXdFRpdmpPcGxlWjRWZHN0Vm9BQVFHSVZrV3prCmVBTHdRQkFoM1liQURNNXQvVGE4QkNQbEJSZHVoM2JZZXVoQTByWGx5Uk0KLS0tIFpqNU5scnNobk13SUdNUEIxU3o3WjVyMGRmNmZRVmVoa0ZnTGJoWkhXUGMKqhjiJRyDbcwfDcjuBHX5a+m3ix2fl9wf9DcRl9Rr5fDxo6POYw1hilUD';

const recipients = testRecipients;
const identities = parseIdentities(new Secret(`# created: today\n# public key: ${testKey.recipient}\n${testKey.secret}\n`));
const chunk = 65_536;

describe('an encrypted file', () => {
  test.each([0, 1, chunk - 1, chunk, chunk + 1, 3 * chunk, 3 * chunk + 7])('of %d bytes gives wholes and ranges', async (length) => {
    await using folder = await temporaryFolder();
    const raw = directoryStore(folder.path);
    const content = randomBytes(length);
    const writer = sealingWriter(await raw.openWriter('id/f.age'), recipients);
    for (let start = 0; start < length; start += 50_001) await writer.write(content.subarray(start, start + 50_001));
    await writer.close();
    expect(await raw.files('id')).toMatchObject([{ bytes: writer.stored().bytes }]);
    const store = decryptingStore(raw, identities);
    expect((await store.read('id/f.age'))?.equals(content)).toBe(true);
    for (const [offset, bytes] of [
      [0, 10],
      [chunk - 5, 10],
      [chunk, chunk],
      [chunk + 1, 2 * chunk],
      [0, length + 100],
      [3 * chunk, 100],
    ] as const)
      expect((await store.read('id/f.age', { offset, bytes }))?.equals(content.subarray(offset, offset + bytes))).toBe(true);
    expect(await store.read('id/absent.age')).toBeUndefined();
  });

  test('by stock age is read', async () => {
    await using folder = await temporaryFolder();
    const raw = directoryStore(folder.path);
    await raw.put('f.age', Buffer.from(helloByAge, 'base64'));
    expect((await decryptingStore(raw, identities).read('f.age'))?.toString()).toBe('hello age\n');
  });

  test('for several recipients opens for each of them, and for nobody else', async () => {
    await using folder = await temporaryFolder();
    const raw = directoryStore(folder.path);
    await raw.put('both.age', sealWhole(Buffer.from('x'), parseRecipients([otherKey.recipient, testKey.recipient])));
    await raw.put('testKey.age', sealWhole(Buffer.from('x'), recipients));
    const others = decryptingStore(raw, parseIdentities(new Secret(otherKey.secret)));
    expect((await others.read('both.age'))?.toString()).toBe('x');
    expect((await decryptingStore(raw, identities).read('both.age'))?.toString()).toBe('x');
    await expect(others.read('testKey.age')).rejects.toMatchObject({ code: 'backup/key-wrong' });
    await expect(decryptingStore(raw, []).read('testKey.age')).rejects.toMatchObject({ code: 'backup/key-missing' });
  });

  test('fault 16: with one flipped bit anywhere is refused', async () => {
    await using folder = await temporaryFolder();
    const raw = directoryStore(folder.path);
    const whole = sealWhole(randomBytes(2 * chunk + 100), recipients);
    for (let seed = 1; seed <= 200; seed++) {
      const bytes = Buffer.from(whole);
      // Every other one in the header, which is 170 bytes long.
      const at = (seed * 2_654_435_761) % (seed % 2 === 0 ? 170 : bytes.length);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (seed % 8));
      expect(await codeOf(raw, bytes)).toMatch(/^backup\/(checksum-mismatch|key-wrong|incomplete)$/);
    }
  });

  test('that is cut off, or of which chunks changed places, is refused', async () => {
    await using folder = await temporaryFolder();
    const raw = directoryStore(folder.path);
    const whole = sealWhole(randomBytes(2 * chunk + 100), recipients);
    const start = whole.length - 2 * (chunk + 16) - 116;
    const code = (...parts: readonly [number, number][]): Promise<string> =>
      codeOf(raw, Buffer.concat(parts.map(([from, to]) => whole.subarray(from, to))));
    const [first, second] = [start + chunk + 16, start + 2 * (chunk + 16)];
    expect(await code([0, whole.length])).toBe('none');
    expect(await code([0, 0])).toBe('backup/checksum-mismatch');
    expect(await code([0, 100])).toBe('backup/checksum-mismatch');
    expect(await code([0, start - 5])).toBe('backup/incomplete');
    expect(await code([0, start])).toBe('backup/incomplete');
    expect(await code([0, first])).toBe('backup/incomplete');
    expect(await code([0, second])).toBe('backup/incomplete');
    expect(await code([0, whole.length - 1])).toBe('backup/incomplete');
    expect(await code([0, start], [first, second], [start, first], [second, whole.length])).toBe('backup/checksum-mismatch');
    expect(await code([0, whole.length], [second, whole.length])).toMatch(/^backup/);
  });
});

test.each([
  '',
  'age1',
  'age1qqqq',
  testKey.recipient.slice(0, -1),
  `${testKey.recipient.slice(0, -1)}!`,
  testKey.secret,
  `A${testKey.recipient.slice(1)}`,
])('%j is no recipient', (text) => {
  expect(() => parseRecipients([text])).toThrow(expect.objectContaining({ code: 'input/invalid' }));
});

test.each(['', '# nothing', testKey.recipient, testKey.secret.slice(0, -1)])(
  '%j holds no key, and the message does not repeat it',
  (text) => {
    expect(() => parseIdentities(new Secret(text))).toThrow(
      expect.objectContaining({ code: 'input/invalid', message: expect.not.stringContaining('1Q') }),
    );
  },
);

async function codeOf(raw: BackupStore, bytes: Buffer): Promise<string> {
  await raw.put('f.age', bytes);
  return decryptingStore(raw, identities)
    .read('f.age')
    .then(
      () => 'none',
      (error: { code: string }) => error.code,
    );
}
