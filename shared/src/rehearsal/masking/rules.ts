/** What happens to a value: kept, replaced by null, by a token of its type, or by another value of the same type and shape. */
export type MaskMethod = 'keep' | 'null' | 'hash' | 'fake';

/** The rule of one pattern: `customers.address.street`, `*.email`, `orders.**`. Positions in arrays are no part of a path. */
export interface MaskRule {
  readonly pattern: string;
  readonly method: MaskMethod;
}

/** What the rules say of one place, and whether anything below it has a rule of its own. */
export interface RulesAt {
  /** The method of the last rule that fits this place, or the place that holds it. */
  readonly method: MaskMethod | undefined;
  /** The place below that has this field name. */
  below(name: string): RulesAt;
}

interface Waiting {
  /** Position of the rule in the list: the last one that fits wins. */
  readonly rank: number;
  readonly method: MaskMethod;
  readonly rest: readonly string[];
}

/**
 * The rules of one collection. A rule for a document or an array holds for everything in it, where no rule of a deeper place says
 * otherwise; of rules for the same place the last one counts. The `_id` of a document is meant only by rules that name it: other collections
 * refer to it, in fields that a rule for this one does not reach.
 */
export function rulesOf(rules: readonly MaskRule[], collection: string): RulesAt {
  const waiting = rules.flatMap(({ pattern, method }, rank) => {
    const [first = '', ...rest] = splitPattern(pattern, collection);
    return expand({ rank, method, rest: [first, ...rest] });
  });
  const root = step(waiting, collection, undefined);
  const ofId = step(
    advance(waiting, collection).filter(({ rest }) => rest[0] === '_id'),
    '_id',
    undefined,
  );
  return { method: root.method, below: (name) => (name === '_id' ? ofId : root.below(name)) };
}

/** A collection's own name may hold dots: where the pattern starts with it, it is one step. */
function splitPattern(pattern: string, collection: string): readonly string[] {
  if (pattern === collection) return [collection];
  if (pattern.startsWith(`${collection}.`)) return [collection, ...pattern.slice(collection.length + 1).split('.')];
  return pattern.split('.');
}

/** `**` stands for any number of steps, none included. */
function expand(rule: Waiting): readonly Waiting[] {
  const [first, ...rest] = rule.rest;
  return first === '**' ? [rule, ...expand({ ...rule, rest })] : [rule];
}

/** The rules that still fit one step further down. */
function advance(waiting: readonly Waiting[], name: string): readonly Waiting[] {
  return waiting.flatMap((rule): readonly Waiting[] => {
    const [first, ...rest] = rule.rest;
    if (first === '**') return expand(rule);
    return first === '*' || first === name ? expand({ ...rule, rest }) : [];
  });
}

function step(waiting: readonly Waiting[], name: string, inherited: MaskMethod | undefined): RulesAt {
  const next = advance(waiting, name);
  // `**` at the end fits every place below, this one included.
  const fitting = next.filter(({ rest }) => rest.length === 0).sort((a, b) => b.rank - a.rank);
  const method = fitting[0]?.method ?? inherited;
  const open = next.filter(({ rest }) => rest.length > 0);
  const known = new Map<string, RulesAt>();
  const self: RulesAt = {
    method,
    below(field) {
      if (open.length === 0) return leaf(method);
      let found = known.get(field);
      if (found === undefined) {
        found = step(open, field, method);
        // Names that are data, of which there is no end, are not remembered.
        if (known.size < 1_000) known.set(field, found);
      }
      return found;
    },
  };
  return self;
}

function leaf(method: MaskMethod | undefined): RulesAt {
  const self: RulesAt = { method, below: () => self };
  return self;
}
