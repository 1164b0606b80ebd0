/** The values that an expression may name. */
export type Values = Readonly<Record<string, number>>;

/** A condition that was read; `undefined` when a value that it needs was not measured. */
export type Condition = (values: Values) => boolean | undefined;

/** Says where an expression is wrong. */
export class ExpressionFault extends Error {}

type Term = (values: Values) => number | undefined;

/** Tightest last. Comparison gives 1 or 0; `and` and `or` take anything but 0 for true. */
const levels: readonly Readonly<Record<string, (a: number, b: number) => number>>[] = [
  { or: (a, b) => Number(a !== 0 || b !== 0) },
  { and: (a, b) => Number(a !== 0 && b !== 0) },
  {
    '>=': (a, b) => Number(a >= b),
    '<=': (a, b) => Number(a <= b),
    '==': (a, b) => Number(a === b),
    '!=': (a, b) => Number(a !== b),
    '>': (a, b) => Number(a > b),
    '<': (a, b) => Number(a < b),
  },
  { '+': (a, b) => a + b, '-': (a, b) => a - b },
  { '*': (a, b) => a * b, '/': (a, b) => a / b },
];

const longest = 500;
const deepest = 100;

/**
 * Reads a condition such as `error_rate > 1 and latency_p95 > 800`: numbers, the given names, `+ - * /`, comparisons, `and`, `or`, `not`,
 * parentheses. Nothing in it can do anything but calculate. Throws `ExpressionFault`.
 */
export function parseCondition(text: string, names: readonly string[]): Condition {
  if (text.length > longest) throw new ExpressionFault(`is longer than ${longest} characters`);
  const tokens = tokensOf(text);
  const reader: Reader = { tokens, at: 0, names, depth: 0 };
  const term = readBinary(reader, 0);
  if (reader.at < tokens.length) throw new ExpressionFault(`has ${describe(reader)} where it should end`);
  return (values) => {
    const value = term(values);
    return value === undefined || Number.isNaN(value) ? undefined : value !== 0;
  };
}

interface Reader {
  readonly tokens: readonly string[];
  at: number;
  readonly names: readonly string[];
  depth: number;
}

function tokensOf(text: string): readonly string[] {
  const tokens: string[] = [];
  const pattern = /\s+|(\d+(?:\.\d+)?|[A-Za-z_]\w*|[<>=!]=|[-+*/()<>])/gy;
  for (let end = 0; end < text.length; end = pattern.lastIndex) {
    const found = pattern.exec(text);
    if (found === null) throw new ExpressionFault(`has something at character ${end + 1} that it must not have`);
    if (found[1] !== undefined) tokens.push(found[1]);
  }
  return tokens;
}

function readBinary(reader: Reader, level: number): Term {
  const operators = levels[level];
  if (operators === undefined) return readUnary(reader);
  let left = readBinary(reader, level + 1);
  for (;;) {
    const operator = operators[reader.tokens[reader.at] ?? ''];
    if (operator === undefined) return left;
    reader.at += 1;
    left = combine(left, readBinary(reader, level + 1), operator);
  }
}

/** What follows from one side alone does not need the other: `0 and x`, `1 or x` are left unknown all the same, to be on the safe side. */
function combine(a: Term, b: Term, operator: (a: number, b: number) => number): Term {
  return (values) => {
    const [left, right] = [a(values), b(values)];
    return left === undefined || right === undefined ? undefined : operator(left, right);
  };
}

function readUnary(reader: Reader): Term {
  const token = reader.tokens[reader.at];
  if (token === 'not' || token === '-') {
    reader.at += 1;
    const inner = token === 'not' ? readBinary(reader, 2) : readUnary(reader);
    return (values) => {
      const value = inner(values);
      if (value === undefined) return undefined;
      return token === 'not' ? Number(value === 0) : -value;
    };
  }
  return readAtom(reader);
}

function readAtom(reader: Reader): Term {
  const token = reader.tokens[reader.at];
  if (token === '(') {
    reader.at += 1;
    reader.depth += 1;
    if (reader.depth > deepest) throw new ExpressionFault('is nested too deeply');
    const inner = readBinary(reader, 0);
    reader.depth -= 1;
    if (reader.tokens[reader.at] !== ')') throw new ExpressionFault('has a parenthesis that is not closed');
    reader.at += 1;
    return inner;
  }
  if (token === undefined || !/^[\w.]+$/.test(token)) throw new ExpressionFault(`has ${describe(reader)} where a value should be`);
  reader.at += 1;
  if (/^\d/.test(token)) return () => Number(token);
  if (!reader.names.includes(token)) throw new ExpressionFault(`names ${token}; known are ${reader.names.join(', ')}`);
  return (values) => values[token];
}

function describe({ tokens, at }: Reader): string {
  return tokens[at] === undefined ? 'its end' : `"${tokens[at]}"`;
}
