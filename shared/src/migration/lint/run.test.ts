import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { fileRules } from './rules/all.ts';
import { lint } from './run.ts';
import { renderSarif } from './sarif.ts';
import { noSettings, type Level, type LintSettings } from './settings.ts';

const wipe = `db.collection('orders').deleteMany({})`;
const migration = (comment: string): string => `export const up = async (db) => {
  ${comment}
  await ${wipe};
};
export const down = (db) => db.collection('orders').insertOne({});
`;

function run(text: string, settings: Partial<LintSettings> = {}, file = 'migrations/a b.mjs') {
  return lint([{ file, text }], [], { ...noSettings, ...settings });
}

describe('a suppression', () => {
  test.each([
    ['with code and reason', '// migration-guard-disable-next-line MD103 -- only caches', []],
    ['in a block', '/* migration-guard-disable-next-line MD101, MD103 -- only caches */', []],
    ['of another rule', '// migration-guard-disable-next-line MD104 -- only caches', ['MD103']],
    ['without a reason', '// migration-guard-disable-next-line MD103', ['MD103', 'ML001']],
    ['with an empty reason', '// migration-guard-disable-next-line MD103 -- ', ['MD103', 'ML001']],
    ['without a code', '// migration-guard-disable-next-line -- because', ['MD103', 'ML001']],
    ['two lines above', '// migration-guard-disable-next-line MD103 -- only caches\n', ['MD103']],
  ])('%s', (_what, comment, expected) => {
    expect(run(migration(comment)).map(({ code }) => code)).toEqual(expected);
  });
});

describe('the severity', () => {
  test.each([
    ['of the rule', {}, 'error'],
    ['of the configuration', { rules: { MD103: 'note' } }, 'note'],
    ['of the path before that', { rules: { MD103: 'note' }, paths: { 'migrations/**': { MD103: 'warning' } } }, 'warning'],
    ['of another path', { rules: { MD103: 'note' }, paths: { 'other/**': { MD103: 'warning' } } }, 'note'],
    ['off', { rules: { MD103: 'off' } }, undefined],
  ] as const)('%s', (_what, settings: Partial<Record<'rules', Record<string, Level>>>, expected) => {
    expect(run(migration(''), settings)[0]?.severity).toBe(expected);
  });
});

test('findings have line and column, and the most severe come first', () => {
  const text = `import 'node:fs';\n${migration('')}`;
  expect(run(text).map(({ code, line, column }) => [code, line, column])).toEqual([
    ['MD103', 4, 9],
    ['MS608', 1, 1],
  ]);
});

test('only the linted files of a folder have findings about their names', () => {
  const names = ['20260101000000-a.js', '20260101000000-b.js'];
  const of = (name: string) => lint([{ file: `db/${name}`, text: '' }], names, noSettings).map(({ code, file }) => [code, file]);
  expect(of('20260101000000-a.js')).toEqual([]);
  expect(of('20260101000000-b.js')).toEqual([['MN703', 'db/20260101000000-b.js']]);
});

test('a secret does not get into the message of its finding', () => {
  const uri = 'mongodb://ann:correct-horse@host/';
  expect(JSON.stringify(run(`export const uri = '${uri}';`))).not.toContain('correct-horse');
});

describe('SARIF', () => {
  const document = JSON.parse(renderSarif(run(migration('')))) as {
    readonly version: string;
    readonly runs: readonly {
      readonly tool: { readonly driver: { readonly rules: readonly { readonly id: string }[] } };
      readonly results: readonly unknown[];
    }[];
  };
  const rules = document.runs[0]?.tool.driver.rules ?? [];

  test('has a result for each finding, at a relative and encoded URI', () => {
    expect(document.version).toBe('2.1.0');
    expect(document.runs[0]?.results).toEqual([
      {
        ruleId: 'MD103',
        ruleIndex: rules.findIndex(({ id }) => id === 'MD103'),
        level: 'error',
        message: { text: 'This deletes every document of orders. Give a filter, count what it matches first, and delete in batches.' },
        locations: [
          {
            physicalLocation: {
              artifactLocation: { uri: 'migrations/a%20b.mjs', uriBaseId: '%SRCROOT%' },
              region: { startLine: 3, startColumn: 9 },
            },
          },
        ],
      },
    ]);
  });

  test('describes every rule', () => {
    expect(rules.map(({ id }) => id)).toEqual(expect.arrayContaining(fileRules.map(({ code }) => code)));
    expect(rules[0]).toEqual({
      id: 'MC201',
      shortDescription: { text: expect.any(String) },
      help: { text: expect.any(String), markdown: expect.any(String) },
      defaultConfiguration: { level: 'warning' },
    });
  });
});

describe('whatever can be parsed is linted without an exception', () => {
  const pieces = [
    ...fileRules.flatMap(({ bad, good }) => [bad, good]),
    migration(''),
    'class A { static { this.x = 1; } #p() {} get [a]() {} }',
  ];

  test('also what is cut, doubled or mixed', () => {
    const token = fc.constantFrom(...new Set(pieces.flatMap((piece) => piece.match(/\w+|[^\w\s]+|\s+/g) ?? [])));
    const mixed = fc.array(token, { maxLength: 60 }).map((tokens) => tokens.join(''));
    const cut = fc.tuple(fc.constantFrom(...pieces), fc.nat(), fc.nat()).map(([piece, a, b]) => {
      const [from, to] = [a % (piece.length + 1), b % (piece.length + 1)].sort((x, y) => x - y);
      return piece.slice(0, from) + piece.slice(to);
    });
    fc.assert(
      fc.property(fc.oneof(mixed, cut, fc.string()), fc.constantFrom('.js', '.ts'), (text, extension) => {
        run(text, {}, `migrations/1${extension}`);
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    ['nothing', ''],
    ['a name that means itself', 'const a = a; const up = up; export { up };\nawait a.deleteMany({});'],
    ['two names that mean each other', 'const a = b; const b = a; export const up = async () => { await a.collection(b).deleteMany(a); };'],
    [
      'patterns',
      'export const up = async ({ db: [d] = [], ...rest }, [c = d.x] = rest) => { for (const [k, { v }] of c) await d.collection(k)[v](...c); };',
    ],
    ['no program', 'const = ;'],
  ])('%s', (_what, text) => {
    expect(() => run(text)).not.toThrow();
  });
});
