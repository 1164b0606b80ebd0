import { hash } from 'node:crypto';

/** 32 bytes that decide how values are masked. Who does not know them cannot find the values behind masked ones. */
export type MaskKey = Buffer;

const rounds = 8;
/** Characters that are permuted together; longer texts are done piece by piece. */
const pieceLength = 24;

/** Characters that stand for each other: a digit stays a digit, a capital a capital. Whatever is in no class stays as it is. */
const classes = [
  { from: 0x30, to: 0x39 },
  { from: 0x41, to: 0x5a },
  { from: 0x61, to: 0x7a },
  { from: 0xc0, to: 0xd6 },
  { from: 0xd8, to: 0xde },
  { from: 0xdf, to: 0xf6 },
  { from: 0xf8, to: 0xff },
  { from: 0x100, to: 0x17f },
  { from: 0x391, to: 0x3a1 },
  { from: 0x3b1, to: 0x3c9 },
  { from: 0x410, to: 0x42f },
  { from: 0x430, to: 0x44f },
  { from: 0x5d0, to: 0x5ea },
  { from: 0x621, to: 0x63a },
  { from: 0x905, to: 0x939 },
  { from: 0x3041, to: 0x3096 },
  { from: 0x30a1, to: 0x30fa },
  { from: 0x4e00, to: 0x9fa5 },
  { from: 0xac00, to: 0xd7a3 },
] as const;

/** Letters and digits that no class holds: keeping them would show them. */
const otherCharacter = /[\p{L}\p{N}]/u;

/**
 * Another text of the same shape: as long, digits where digits were, capitals where capitals were, punctuation kept. Two texts never become
 * the same one, and a text always becomes the same one under one key. `undefined` when the text holds letters of an alphabet that this
 * cannot do.
 */
export function permuteText(key: MaskKey, text: string): string | undefined {
  let masked = '';
  for (let start = 0; start < text.length; start += pieceLength) {
    const piece = permutePiece(key, text.slice(start, start + pieceLength), text.slice(0, start));
    if (piece === undefined) return undefined;
    masked += piece;
  }
  return masked;
}

/** `before` is the text in front of the piece: the same piece after another text becomes another one. */
function permutePiece(key: MaskKey, piece: string, before: string): string | undefined {
  const characters = Array.from(piece);
  const found = characters.map((character) => classOf(character.codePointAt(0) ?? 0));
  if (characters.some((character, index) => found[index] === undefined && otherCharacter.test(character))) return undefined;
  const shape = found.flatMap((one) => (one === undefined ? [] : [one]));
  const digits = characters.flatMap((character, index) => {
    const one = found[index];
    return one === undefined ? [] : [BigInt((character.codePointAt(0) ?? 0) - one.from)];
  });
  const radixes = shape.map(({ from, to }) => BigInt(to - from + 1));
  const tweak = `${before}\0${characters.map((character, index) => (found[index] === undefined ? character : '\0')).join('')}`;
  const permuted = permuteDigits(key, { digits, radixes, tweak });
  let next = 0;
  return characters
    .map((character, index) => {
      const one = found[index];
      return one === undefined ? character : String.fromCodePoint(one.from + Number(permuted[next++] ?? 0n));
    })
    .join('');
}

function classOf(codePoint: number): (typeof classes)[number] | undefined {
  return classes.find(({ from, to }) => codePoint >= from && codePoint <= to);
}

interface Digits {
  readonly digits: readonly bigint[];
  readonly radixes: readonly bigint[];
  readonly tweak: string;
}

function permuteDigits(key: MaskKey, { digits, radixes, tweak }: Digits): readonly bigint[] {
  const half = Math.ceil(digits.length / 2);
  const left = numberOf(digits.slice(0, half), radixes.slice(0, half));
  const right = numberOf(digits.slice(half), radixes.slice(half));
  const [a, b] = feistel(key, { left, right, tweak });
  return [...digitsOf(a, radixes.slice(0, half)), ...digitsOf(b, radixes.slice(half))];
}

/** A number and how many there are of its kind: `value` < `size`. */
interface Part {
  readonly value: bigint;
  readonly size: bigint;
}

interface Halves {
  readonly left: Part;
  readonly right: Part;
  readonly tweak: string;
}

/** A Feistel network over two numbers of any size, which permutes their pairs. Source: NIST SP 800-38G, in another radix for each half. */
function feistel(key: MaskKey, { left, right, tweak }: Halves): readonly [bigint, bigint] {
  let a = left.value;
  let b = right.value;
  for (let round = 0; round < rounds; round++) {
    if (round % 2 === 0) a = (a + pseudoRandom(key, `${round}:${left.size}:${right.size}:${b}:${tweak}`)) % left.size;
    else b = (b + pseudoRandom(key, `${round}:${left.size}:${right.size}:${a}:${tweak}`)) % right.size;
  }
  return [a, b];
}

/** Another number below `size`, never the same for two. */
export function permuteNumber(key: MaskKey, value: bigint, size: bigint): bigint {
  const root = squareRoot(size);
  // The two halves may hold more than `size`: numbers above are permuted again until one fits, which keeps it a permutation.
  let next = value;
  do {
    const left = { value: next / root, size: size / root + 1n };
    const right = { value: next % root, size: root };
    const [a, b] = feistel(key, { left, right, tweak: 'number' });
    next = a * root + b;
  } while (next >= size);
  return next;
}

function squareRoot(size: bigint): bigint {
  const root = BigInt(Math.floor(Math.sqrt(Number(size))));
  return root < 1n ? 1n : root;
}

/** 256 bits: more than any half of a piece has. The key is on both sides, so that nothing can be appended. */
function pseudoRandom(key: MaskKey, text: string): bigint {
  return BigInt(`0x${hash('sha256', Buffer.concat([key, Buffer.from(text), key]), 'hex')}`);
}

function numberOf(digits: readonly bigint[], radixes: readonly bigint[]): Part {
  let value = 0n;
  let size = 1n;
  for (const [index, digit] of digits.entries()) {
    const radix = radixes[index] ?? 1n;
    value = value * radix + digit;
    size *= radix;
  }
  return { value, size };
}

function digitsOf(value: bigint, radixes: readonly bigint[]): readonly bigint[] {
  let rest = value;
  return radixes
    .toReversed()
    .map((radix) => {
      const digit = rest % radix;
      rest /= radix;
      return digit;
    })
    .reverse();
}

/** `length` bytes that only `key` and `value` decide: of 12 bytes and more, two values never become the same in practice. */
export function keyedBytes(key: MaskKey, value: Uint8Array | string, length: number): Buffer {
  const content = typeof value === 'string' ? Buffer.from(value) : value;
  const blocks: Buffer[] = [];
  for (let size = 0; size < length; size += 32)
    blocks.push(hash('sha256', Buffer.concat([key, Buffer.from(`${size}:`), content, key]), 'buffer'));
  return Buffer.concat(blocks).subarray(0, length);
}
