import { commandsOf, type RecordedRule } from './rule.ts';

export const otherCollation: RecordedRule = {
  code: 'MF305',
  severity: 'warning',
  summary: 'An index was seen to get another collation than its collection has: queries that state none are not served by it.',
  advice: 'Leave the collation of the index away, so that it takes that of the collection.',
  bad: `export const up = async (db) => {
  await db.collection('names').createIndex({ name: 1 }, { collation: { locale: 'en', strength: 2 } });
};`,
  good: `export const up = async (db) => {
  await db.collection('names').createIndex({ name: 1 });
};`,
  check: (observed) =>
    commandsOf(observed, 'createIndexes').flatMap((statement) => {
      const { collation } = parsed(observed.options.get(statement.collection));
      const { indexes = [] } = parsed(statement.definition);
      const others = indexes.filter(
        (index) => collation !== undefined && index.collation !== undefined && differ(index.collation, collation),
      );
      return others.map(({ name }) => ({
        statement,
        message: `The index ${name} of ${statement.collection} has another collation than the collection.`,
      }));
    }),
};

type Collation = Readonly<Record<string, unknown>>;

interface Definition {
  readonly collation?: Collation;
  readonly indexes?: readonly { readonly name?: string; readonly collation?: Collation }[];
}

/** What the command names; the server has filled in the rest for the collection. */
function differ(given: Collation, own: Collation): boolean {
  return Object.entries(given).some(([key, value]) => numberOf(value) !== numberOf(own[key]));
}

function numberOf(value: unknown): string {
  const { $numberInt, $numberLong } = (typeof value === 'object' && value !== null ? value : {}) as Readonly<Record<string, unknown>>;
  return String($numberInt ?? $numberLong ?? value);
}

function parsed(text = '{}'): Definition {
  return JSON.parse(text) as Definition;
}
