// A small assembler of WebAssembly: every function gives the bytes of an expression or an instruction. Opcodes: webassembly.github.io/spec.

/** Bytes of code. */
export type Code = readonly number[];

export const i32 = 0x7f;
export const i64 = 0x7e;
export const v128 = 0x7b;
type ValueType = typeof i32 | typeof i64 | typeof v128;

/** LEB128. */
function unsigned(value: number): Code {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

function signed(value: bigint): Code {
  const low = Number(value & 0x7fn);
  const rest = value >> 7n;
  const done = (rest === 0n && low < 0x40) || (rest === -1n && low >= 0x40);
  return done ? [low] : [low | 0x80, ...signed(rest)];
}

export const get = (local: number): Code => [0x20, ...unsigned(local)];
export const set = (local: number, value: Code): Code => [...value, 0x21, ...unsigned(local)];
export const int = (value: number): Code => [0x41, ...signed(BigInt(value))];
export const long = (value: bigint): Code => [0x42, ...signed(BigInt.asIntN(64, value))];
export const call = (func: number, ...args: readonly Code[]): Code => [...args.flat(), 0x10, ...unsigned(func)];

const two =
  (...opcode: Code) =>
  (a: Code, b: Code): Code => [...a, ...b, ...opcode];

export const i32Add = two(0x6a);
export const i32Sub = two(0x6b);
export const i32Below = two(0x49);
export const i32Above = two(0x4b);
export const i32Equal = two(0x46);
export const i64Add = two(0x7c);
export const i64Sub = two(0x7d);
export const i64Mul = two(0x7e);
export const i64And = two(0x83);
export const i64Or = two(0x84);
export const i64Xor = two(0x85);
export const i64ShiftLeft = two(0x86);
export const i64ShiftRight = two(0x88);
export const i64Below = two(0x54);
export const extend = (value: Code): Code => [...value, 0xad];

const load =
  (...opcode: Code) =>
  (address: Code, offset = 0): Code => [...address, ...opcode, 0, ...unsigned(offset)];

export const load8 = load(0x2d);
export const load32 = load(0x28);
export const load32AsLong = load(0x35);
export const load64 = load(0x29);
export const load128 = load(0xfd, 0);
export const store32 = (address: Code, offset: number, value: Code): Code => [...address, ...value, 0x36, 0, ...unsigned(offset)];
export const store64 = (address: Code, offset: number, value: Code): Code => [...address, ...value, 0x37, 0, ...unsigned(offset)];
export const move = (to: Code, from: Code, length: Code): Code => [...to, ...from, ...length, 0xfc, 10, 0, 0];

const vector = (opcode: number): Code => [0xfd, ...unsigned(opcode)];
export const xor128 = two(...vector(0x51));
export const lanesAdd = two(...vector(0xce));
/** Products of the low two 32-bit lanes, as two 64-bit lanes. */
export const lanesMulLow = two(...vector(0xde));
export const lanesMul = two(...vector(0xd5));
export const lanesShiftRight = two(...vector(0xcd));
export const lanesOf = (value: Code): Code => [...value, ...vector(0x12)];
export const lane64 = (value: Code, lane: number): Code => [...value, ...vector(0x1d), lane];
export const const128 = (low: bigint, high: bigint): Code => {
  const bytes = Array.from({ length: 16 }, (_, index) => Number(((index < 8 ? low : high) >> BigInt((index % 8) * 8)) & 0xffn));
  return [...vector(0x0c), ...bytes];
};
/** The bytes `lanes` of a value. */
export const shuffle = (value: Code, lanes: Code): Code => [...value, ...value, ...vector(0x0d), ...lanes];

export const when = (condition: Code, then: Code, otherwise: Code = []): Code => [
  ...condition,
  0x04,
  0x40,
  ...then,
  ...(otherwise.length === 0 ? [] : [0x05, ...otherwise]),
  0x0b,
];
/** Runs `body` as long as `condition` holds, which is asked before. */
export const during = (condition: Code, body: Code): Code => [0x03, 0x40, ...when(condition, [...body, 0x0c, 1]), 0x0b];
export const giveBack = (value: Code): Code => [...value, 0x0f];

export interface WasmFunction {
  readonly parameters: readonly ValueType[];
  readonly result: ValueType | undefined;
  /** Types of the locals after the parameters. */
  readonly locals: readonly ValueType[];
  readonly body: Code;
}

/**
 * A module of functions that are called by number, with one memory of at most 4 GiB, which may be shared; the functions named in `exported` and
 * `memory` are its exports.
 */
export function moduleOf(functions: readonly WasmFunction[], exported: Readonly<Record<string, number>>): Uint8Array<ArrayBuffer> {
  const name = (text: string): Code => [text.length, ...Buffer.from(text)];
  const list = (items: readonly Code[]): Code => [...unsigned(items.length), ...items.flat()];
  const section = (id: number, content: Code): Code => [id, ...unsigned(content.length), ...content];
  const types = functions.map(({ parameters, result }) => [
    0x60,
    ...list(parameters.map((type) => [type])),
    ...list(result === undefined ? [] : [[result]]),
  ]);
  const codes = functions.map(({ locals, body }) => {
    const code = [...list(locals.map((type) => [1, type])), ...body, 0x0b];
    return [...unsigned(code.length), ...code];
  });
  const exports = Object.entries(exported).map(([text, index]) => [...name(text), 0, ...unsigned(index)]);
  return Uint8Array.from([
    // Magic number and version.
    0,
    0x61,
    0x73,
    0x6d,
    1,
    0,
    0,
    0,
    ...section(1, list(types)),
    ...section(3, list(functions.map((_, index) => unsigned(index)))),
    // Limits: shared, one page at first, 65,536 at most.
    ...section(5, list([[3, ...unsigned(1), ...unsigned(65_536)]])),
    ...section(7, list([[...name('memory'), 2, 0], ...exports])),
    ...section(10, list(codes)),
  ]);
}
