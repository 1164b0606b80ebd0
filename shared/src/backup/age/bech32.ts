const letters = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const generators = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];
/** Characters of the checksum at the end. */
const checksumLength = 6;

/** The bytes in a Bech32 text with the human-readable part `prefix`, or `undefined` when it is none. Source: BIP 173. */
export function decodeBech32(text: string, prefix: string): Buffer | undefined {
  if (text !== text.toLowerCase() && text !== text.toUpperCase()) return undefined;
  const lower = text.toLowerCase();
  if (!lower.startsWith(`${prefix.toLowerCase()}1`)) return undefined;
  const values = Array.from(lower.slice(prefix.length + 1), (letter) => letters.indexOf(letter));
  if (values.length < checksumLength || values.includes(-1)) return undefined;
  if (checksum([...expanded(prefix.toLowerCase()), ...values]) !== 1) return undefined;
  return toBytes(values.slice(0, -checksumLength));
}

function expanded(prefix: string): number[] {
  const codes = Array.from(prefix, (letter) => letter.charCodeAt(0));
  return [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31)];
}

function checksum(values: readonly number[]): number {
  let sum = 1;
  for (const value of values) {
    const top = sum >>> 25;
    sum = ((sum & 0x1ffffff) << 5) ^ value;
    for (const [bit, generator] of generators.entries()) if (((top >> bit) & 1) === 1) sum ^= generator;
  }
  return sum;
}

/** Five bits each to eight bits each; what is left over must be zeros. */
function toBytes(values: readonly number[]): Buffer | undefined {
  const bytes: number[] = [];
  let bits = 0;
  let count = 0;
  for (const value of values) {
    bits = ((bits << 5) | value) & 0xfff;
    count += 5;
    if (count < 8) continue;
    count -= 8;
    bytes.push((bits >> count) & 0xff);
  }
  return count < 5 && (bits & ((1 << count) - 1)) === 0 ? Buffer.from(bytes) : undefined;
}
