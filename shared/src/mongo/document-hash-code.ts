import {
  call,
  const128,
  during,
  extend,
  get,
  giveBack,
  i32,
  i32Above,
  i32Add,
  i32Below,
  i32Equal,
  i32Sub,
  i64,
  i64Add,
  i64And,
  i64Below,
  i64Mul,
  i64Or,
  i64ShiftLeft,
  i64ShiftRight,
  i64Sub,
  i64Xor,
  int,
  lane64,
  lanesAdd,
  lanesMul,
  lanesMulLow,
  lanesOf,
  lanesShiftRight,
  load128,
  load32,
  load32AsLong,
  load64,
  load8,
  long,
  move,
  set,
  shuffle,
  store32,
  store64,
  v128,
  when,
  xor128,
  moduleOf,
  type Code,
  type WasmFunction,
} from './wasm.ts';
import { largestLength } from './raw-bson.ts';

// Code of WebAssembly: xxHash128 (XXH3, seed 0) of BSON documents, as one pass over many of them. Source: github.com/Cyan4973/xxHash doc/xxhash_spec.md.

/** The default secret of XXH3, which lies at the start of the memory. */
export const secretHex =
  'b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c' +
  '3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364' +
  'eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e';

const prime32 = { one: 0x9e3779b1n, two: 0x85ebca77n, three: 0xc2b2ae3dn } as const;
const prime64 = {
  one: 0x9e3779b185ebca87n,
  two: 0xc2b2ae3d27d4eb4fn,
  three: 0x165667b19e3779f9n,
  four: 0x85ebca77c2b2ae63n,
  five: 0x27d4eb2f165667c5n,
} as const;

// What lies where in the memory of the module; the secret is at 0.
export const hashMemoryLayout = {
  /** Sum of the hashes, its lower and its upper half. */
  low: 192,
  high: 200,
  documents: 208,
  lastStart: 212,
  used: 216,
  /** Bytes to walk lie from here on. */
  input: 256,
} as const;
const { low, high, documents: documentsAt, lastStart: lastStartAt, used: usedAt } = hashMemoryLayout;

const secret = (offset: number): Code => load64(int(0), offset);
const mask32 = long(0xffffffffn);
const xorShift = (value: Code, bits: bigint): Code => i64Xor(value, i64ShiftRight(value, long(bits)));

const functions = { mulHigh: 0, fold: 1, avalanche: 2, add: 3, mix: 4, medium: 5, large: 6, hash: 7, walk: 8, join: 9 } as const;

/** Upper half of the 128-bit product. */
const mulHigh: WasmFunction = (() => {
  const [a, b, lowLow, highLow, cross] = [0, 1, 2, 3, 4];
  const lo = (value: number): Code => i64And(get(value), mask32);
  const hi = (value: number): Code => i64ShiftRight(get(value), long(32n));
  return {
    parameters: [i64, i64],
    result: i64,
    locals: [i64, i64, i64],
    body: [
      ...set(lowLow, i64Mul(lo(a), lo(b))),
      ...set(highLow, i64Mul(hi(a), lo(b))),
      ...set(cross, i64Add(i64Add(hi(lowLow), lo(highLow)), i64Mul(lo(a), hi(b)))),
      ...i64Add(i64Add(hi(highLow), hi(cross)), i64Mul(hi(a), hi(b))),
    ],
  };
})();

const fold: WasmFunction = {
  parameters: [i64, i64],
  result: i64,
  locals: [],
  body: i64Xor(i64Mul(get(0), get(1)), call(functions.mulHigh, get(0), get(1))),
};

const avalanche: WasmFunction = {
  parameters: [i64],
  result: i64,
  locals: [],
  body: [...set(0, i64Mul(xorShift(get(0), 37n), long(0x165667919e3779f9n))), ...xorShift(get(0), 32n)],
};

const avalancheOf = (value: Code): Code => call(functions.avalanche, value);

/** Adds a hash to the sum modulo 2^128. */
const add: WasmFunction = {
  parameters: [i64, i64],
  result: undefined,
  locals: [i64],
  body: [
    ...set(2, i64Add(load64(int(0), low), get(0))),
    ...store64(int(0), low, get(2)),
    ...store64(int(0), high, i64Add(i64Add(load64(int(0), high), get(1)), extend(i64Below(get(2), get(0))))),
  ],
};

const sum = (lower: Code, upper: Code): Code => call(functions.add, lower, upper);

/** 16 bytes at the first parameter, with the secret at the second. */
const mix: WasmFunction = {
  parameters: [i32, i32],
  result: i64,
  locals: [],
  body: call(functions.fold, i64Xor(load64(get(0)), load64(get(1))), i64Xor(load64(get(0), 8), load64(get(1), 8))),
};

/** 9 to 240 bytes, and those of 4 to 8. Parameters: start and length. */
const medium: WasmFunction = (() => {
  const [start, length, lower, upper, key, round] = [0, 1, 2, 3, 4, 5];
  const fromEnd = (bytes: number): Code => i32Sub(i32Add(get(start), get(length)), int(bytes));
  const at = (offset: number): Code => i32Add(get(start), int(offset));
  const longLength = extend(get(length));
  const mixed = (first: Code, second: Code, secretAt: Code): Code => [
    ...set(lower, i64Add(get(lower), call(functions.mix, first, secretAt))),
    ...set(lower, i64Xor(get(lower), i64Add(load64(second), load64(second, 8)))),
    ...set(upper, i64Add(get(upper), call(functions.mix, second, i32Add(secretAt, int(16))))),
    ...set(upper, i64Xor(get(upper), i64Add(load64(first), load64(first, 8)))),
  ];
  const swapped = (value: Code): Code =>
    [0n, 8n, 16n, 24n, 32n, 40n, 48n, 56n]
      .map((bits) => i64ShiftLeft(i64And(i64ShiftRight(value, long(bits)), long(0xffn)), long(56n - bits)))
      .reduce(i64Or);
  const ending = sum(
    avalancheOf(i64Add(get(lower), get(upper))),
    i64Sub(
      long(0n),
      avalancheOf(
        i64Add(
          i64Add(i64Mul(get(lower), long(prime64.one)), i64Mul(get(upper), long(prime64.four))),
          i64Mul(longLength, long(prime64.two)),
        ),
      ),
    ),
  );
  const upTo8 = [
    ...set(
      key,
      i64Xor(i64Add(load32AsLong(get(start)), i64ShiftLeft(load32AsLong(fromEnd(4)), long(32n))), i64Xor(secret(16), secret(24))),
    ),
    ...set(lower, i64Add(long(prime64.one), i64ShiftLeft(longLength, long(2n)))),
    ...set(upper, call(functions.mulHigh, get(key), get(lower))),
    ...set(lower, i64Mul(get(key), get(lower))),
    ...set(upper, i64Add(get(upper), i64ShiftLeft(get(lower), long(1n)))),
    ...set(lower, i64Xor(get(lower), i64ShiftRight(get(upper), long(3n)))),
    ...set(lower, i64Mul(xorShift(get(lower), 35n), long(0x9fb21c651e98df25n))),
    ...sum(xorShift(get(lower), 28n), avalancheOf(get(upper))),
  ];
  const upTo16 = [
    ...set(upper, load64(fromEnd(8))),
    ...set(key, i64Xor(i64Xor(load64(get(start)), get(upper)), i64Xor(secret(32), secret(40)))),
    ...set(upper, i64Xor(get(upper), i64Xor(secret(48), secret(56)))),
    ...set(upper, i64Add(get(upper), i64Mul(i64And(get(upper), mask32), long(prime32.two - 1n)))),
    ...set(upper, i64Add(get(upper), call(functions.mulHigh, get(key), long(prime64.one)))),
    ...set(lower, i64Add(i64Mul(get(key), long(prime64.one)), i64ShiftLeft(i64Sub(longLength, long(1n)), long(54n)))),
    ...set(lower, i64Xor(get(lower), swapped(get(upper)))),
    ...set(upper, i64Add(call(functions.mulHigh, get(lower), long(prime64.two)), i64Mul(get(upper), long(prime64.two)))),
    ...sum(avalancheOf(i64Mul(get(lower), long(prime64.two))), avalancheOf(get(upper))),
  ];
  const pairs = (index: number): Code => {
    const inner = index === 3 ? [] : when(i32Above(get(length), int(32 * (index + 1))), pairs(index + 1));
    return [...inner, ...mixed(at(16 * index), fromEnd(16 * (index + 1)), int(32 * index))];
  };
  const rounds = [
    ...[0, 1, 2, 3].flatMap((index) => mixed(at(32 * index), at(32 * index + 16), int(32 * index))),
    ...set(lower, avalancheOf(get(lower))),
    ...set(upper, avalancheOf(get(upper))),
    ...set(round, int(128)),
    ...during(i32Above(get(length), i32Add(get(round), int(31))), [
      ...mixed(i32Add(get(start), get(round)), i32Add(i32Add(get(start), get(round)), int(16)), i32Sub(get(round), int(125))),
      ...set(round, i32Add(get(round), int(32))),
    ]),
    ...mixed(fromEnd(16), fromEnd(32), int(103)),
  ];
  const from17 = [
    ...set(lower, i64Mul(longLength, long(prime64.one))),
    ...when(i32Above(get(length), int(128)), rounds, pairs(0)),
    ...ending,
  ];
  return {
    parameters: [i32, i32],
    result: undefined,
    locals: [i64, i64, i64, i32],
    body: when(i32Above(get(length), int(16)), from17, when(i32Above(get(length), int(8)), upTo16, upTo8)),
  };
})();

/** More than 240 bytes, four accumulators of two lanes each. Parameters: start and length. */
const large: WasmFunction = (() => {
  const [start, length, position, secretAt, blockEnd, last, value] = [0, 1, 2, 3, 4, 5, 10];
  const accumulators = [6, 7, 8, 9];
  const initial = [
    [prime32.three, prime64.one],
    [prime64.two, prime64.three],
    [prime64.four, prime32.two],
    [prime64.five, prime32.one],
  ] as const;
  const secretKey = (address: Code, index: number): Code => load128(address, 16 * index);
  /** One stripe of 64 bytes: each lane gets the product of its halves, and the data of its neighbour. */
  const stripe = (from: Code, key: Code): Code =>
    accumulators.flatMap((accumulator, index) => [
      ...set(
        accumulator,
        lanesAdd(get(accumulator), shuffle(load128(from, 16 * index), [8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7])),
      ),
      ...set(value, xor128(load128(from, 16 * index), secretKey(key, index))),
      ...set(
        accumulator,
        lanesAdd(
          get(accumulator),
          lanesMulLow(
            shuffle(get(value), [0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11]),
            shuffle(get(value), [4, 5, 6, 7, 12, 13, 14, 15, 4, 5, 6, 7, 12, 13, 14, 15]),
          ),
        ),
      ),
    ]);
  const scramble = accumulators.flatMap((accumulator, index) => {
    const mixed = xor128(xor128(get(accumulator), lanesShiftRight(get(accumulator), int(47))), secretKey(int(128), index));
    return set(accumulator, lanesMul(mixed, lanesOf(long(prime32.one))));
  });
  const merged = (secretStart: number, begin: Code): Code =>
    avalancheOf(
      accumulators
        .map((accumulator, index) => {
          const lane = (number: number): Code => i64Xor(lane64(get(accumulator), number), secret(secretStart + 16 * index + 8 * number));
          return call(functions.fold, lane(0), lane(1));
        })
        .reduce(i64Add, begin),
    );
  const longLength = extend(get(length));
  return {
    parameters: [i32, i32],
    result: undefined,
    locals: [i32, i32, i32, i32, v128, v128, v128, v128, v128],
    body: [
      ...accumulators.flatMap((accumulator, index) => set(accumulator, const128(initial[index]?.[0] ?? 0n, initial[index]?.[1] ?? 0n))),
      ...set(position, get(start)),
      // Stripes begin before the last byte; the last 64 bytes are a stripe of their own, whatever overlaps.
      ...set(last, i32Sub(i32Add(get(start), get(length)), int(1))),
      ...set(blockEnd, i32Add(get(start), int(1024))),
      ...during(i32Below(i32Add(get(position), int(63)), get(last)), [
        ...stripe(get(position), get(secretAt)),
        ...set(position, i32Add(get(position), int(64))),
        ...set(secretAt, i32Add(get(secretAt), int(8))),
        ...when(i32Equal(get(position), get(blockEnd)), [
          ...scramble,
          ...set(secretAt, int(0)),
          ...set(blockEnd, i32Add(get(blockEnd), int(1024))),
        ]),
      ]),
      ...stripe(i32Sub(get(last), int(63)), int(121)),
      ...sum(merged(11, i64Mul(longLength, long(prime64.one))), merged(117, i64Xor(i64Mul(longLength, long(prime64.two)), long(-1n)))),
    ],
  };
})();

/** One document. Parameters: start and length. */
const hash: WasmFunction = {
  parameters: [i32, i32],
  result: undefined,
  locals: [],
  body: when(i32Above(get(1), int(240)), call(functions.large, get(0), get(1)), call(functions.medium, get(0), get(1))),
};

/** Gives back 0 when the document at `position` does not end before `end` with a zero; else hashes it, with its length in `length`. */
const oneDocument = (position: number, length: number, end: number): Code => [
  ...when(i32Below(i32Sub(get(end), get(position)), int(5)), giveBack(int(0))),
  ...set(length, load32(get(position))),
  ...when(i32Below(get(length), int(5)), giveBack(int(0))),
  ...when(i32Above(get(length), i32Sub(get(end), get(position))), giveBack(int(0))),
  ...when(i32Above(get(length), int(largestLength)), giveBack(int(0))),
  ...when(load8(i32Sub(i32Add(get(position), get(length)), int(1))), giveBack(int(0))),
  ...call(functions.hash, get(position), get(length)),
  ...store32(int(0), documentsAt, i32Add(load32(int(0), documentsAt), int(1))),
];

/** Documents one after another. Parameters: where they start and end. Gives back 1, or 0 when they are not that. */
const walk: WasmFunction = (() => {
  const [position, end, length] = [0, 1, 2];
  return {
    parameters: [i32, i32],
    result: i32,
    locals: [i32],
    body: [
      ...during(i32Below(get(position), get(end)), [
        ...oneDocument(position, length, end),
        ...set(position, i32Add(get(position), get(length))),
      ]),
      ...int(1),
    ],
  };
})();

/** Documents in a BSON array: moves them together at its start. Parameters: its start and end. Gives back 1, or 0 when it is not that. */
const join: WasmFunction = (() => {
  const [start, end, position, length, used] = [0, 1, 2, 3, 4];
  return {
    parameters: [i32, i32],
    result: i32,
    locals: [i32, i32, i32],
    body: [
      ...set(end, i32Sub(get(end), int(1))),
      // The closing zero of the array stops the search for that of an index at the latest.
      ...when(load8(get(end)), giveBack(int(0))),
      ...set(position, i32Add(get(start), int(4))),
      ...set(used, get(start)),
      ...during(i32Below(get(position), get(end)), [
        ...when(i32Equal(load8(get(position)), int(3)), [], giveBack(int(0))),
        ...set(position, i32Add(get(position), int(1))),
        // The digits of the index.
        ...during(load8(get(position)), set(position, i32Add(get(position), int(1)))),
        ...set(position, i32Add(get(position), int(1))),
        ...when(i32Above(get(position), get(end)), giveBack(int(0))),
        ...oneDocument(position, length, end),
        ...move(get(used), get(position), get(length)),
        ...store32(int(0), lastStartAt, i32Sub(get(used), get(start))),
        ...set(used, i32Add(get(used), get(length))),
        ...set(position, i32Add(get(position), get(length))),
      ]),
      ...store32(int(0), usedAt, i32Sub(get(used), get(start))),
      ...int(1),
    ],
  };
})();

/** Exports `memory`, `walk` and `join`; what they find is at `hashMemoryLayout`, from where the caller clears it before. */
export const hashModule: WebAssembly.Module = new WebAssembly.Module(
  moduleOf([mulHigh, fold, avalanche, add, mix, medium, large, hash, walk, join], { walk: functions.walk, join: functions.join }),
);
