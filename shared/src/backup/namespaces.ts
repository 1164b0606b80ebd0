import { GuardError } from '../errors/guard-error.ts';

export interface Namespace {
  readonly database: string;
  readonly collection: string;
}

export function nameOf({ database, collection }: Namespace): string {
  return `${database}.${collection}`;
}

/** Splits `database.collection`; database names hold no dot. Throws `input/invalid`. */
export function parseNamespace(text: string): Namespace {
  const dot = text.indexOf('.');
  if (dot <= 0 || dot === text.length - 1) throw new GuardError('input/invalid', `"${text}" is not a namespace such as shop.orders.`);
  return { database: text.slice(0, dot), collection: text.slice(dot + 1) };
}

export interface NamespacePatterns {
  readonly include?: readonly string[] | undefined;
  readonly exclude?: readonly string[] | undefined;
}

/**
 * Whether a namespace is taken: by `include` when that is given, and not by `exclude`. A pattern is compared with the collection
 * alone (`orders`, `tmp_*`, `fs.files`), and one with a dot with the whole namespace too (`shop.orders`, `shop.*`). `*` stands for any
 * characters.
 */
export function selects({ include, exclude }: NamespacePatterns, namespace: Namespace): boolean {
  const matches = (pattern: string): boolean => matchesPattern(pattern, namespace);
  return (include === undefined || include.length === 0 || include.some(matches)) && exclude?.some(matches) !== true;
}

export function matchesPattern(pattern: string, namespace: Namespace): boolean {
  const expression = new RegExp(`^${pattern.split('*').map(literal).join('.*')}$`, 's');
  return expression.test(namespace.collection) || (pattern.includes('.') && expression.test(nameOf(namespace)));
}

/** One pair of `ns-from` and `ns-to`. */
export interface NamespaceRename {
  /** For example `shop.*`, or `$tenant$.orders` with named variables; `*` is a variable without a name. */
  readonly from: string;
  readonly to: string;
}

/** Pairs up `ns-from` and `ns-to`. Throws `input/invalid` when they do not fit each other. */
export function parseRenames(from: readonly string[] = [], to: readonly string[] = []): readonly NamespaceRename[] {
  if (from.length !== to.length) throw new GuardError('input/invalid', `ns-from has ${from.length} patterns, ns-to ${to.length}.`);
  return from.map((pattern, index) => {
    const rename = { from: pattern, to: to[index] ?? '' };
    const [source, target] = [variablesOf(rename.from), variablesOf(rename.to)];
    const known = source.toSorted().join() === target.toSorted().join();
    if (!known || new Set(source.filter((name) => name !== '*')).size !== source.filter((name) => name !== '*').length)
      throw new GuardError('input/invalid', `ns-from "${rename.from}" and ns-to "${rename.to}" do not have the same variables.`);
    return rename;
  });
}

/** Where a namespace goes: by the last pair that fits it, as mongorestore does; without one it stays. */
export function renamed(namespace: Namespace, renames: readonly NamespaceRename[]): Namespace {
  for (const { from, to } of renames.toReversed()) {
    const values = new RegExp(
      `^${pieces(from)
        .map(({ text, variable }) => (variable ? '(.*?)' : literal(text)))
        .join('')}$`,
      's',
    ).exec(nameOf(namespace));
    if (values === null) continue;
    const variables = variablesOf(from);
    const taken = new Set<number>();
    const valueOf = (variable: string): string => {
      const index = variables.findIndex((name, at) => name === variable && !taken.has(at));
      taken.add(index);
      return values[index + 1] ?? '';
    };
    return parseNamespace(
      pieces(to)
        .map(({ text, variable }) => (variable ? valueOf(text) : text))
        .join(''),
    );
  }
  return namespace;
}

interface Piece {
  readonly text: string;
  readonly variable: boolean;
}

/** A pattern cut into plain text, `*` and the names between `$` signs. */
function pieces(pattern: string): readonly Piece[] {
  return pattern
    .split(/(\*|\$[^$]+\$)/)
    .filter((text) => text !== '')
    .map((text) =>
      text === '*'
        ? { text, variable: true }
        : /^\$[^$]+\$$/.test(text)
          ? { text: text.slice(1, -1), variable: true }
          : { text, variable: false },
    );
}

function variablesOf(pattern: string): readonly string[] {
  return pieces(pattern)
    .filter(({ variable }) => variable)
    .map(({ text }) => text);
}

function literal(text: string): string {
  return text.replace(/[\\^$.|?*+()[\]{}]/g, String.raw`\$&`);
}
