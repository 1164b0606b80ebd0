import { describe, expect, test } from '@jest/globals';
import { boolean, choice, secret, text } from '@migration-guard/shared/action/inputs';
import { defineAction } from '@migration-guard/shared/action/spec';
import { parse } from 'yaml';
import { z } from 'zod';
import { renderActionYml } from './action-yml.ts';
import { renderConfigSchema, settingsSchema } from './config-schema.ts';
import { renderErrorPage } from './error-page.ts';
import { fillMarkers, readmeBlocks } from './readme.ts';

const spec = defineAction({
  name: 'verify',
  title: 'Verify',
  description: 'Checks a database.',
  inputs: {
    mode: choice('What to do.', ['before', 'after']).or('after'),
    token: secret('Token.').mandatory(),
    'github-token': secret('Token of the job.').orExpression('${{ github.token }}'),
    strict: boolean('Stop at | the first problem.'),
    note: text('A note.').mandatory(),
  },
  outputs: { count: 'Checks made' },
  permissions: { 'contents: read': 'to read the checks' },
  example: '- uses: ./action-verify\n',
  settings: () =>
    Promise.resolve(
      z.strictObject({
        checks: z.array(z.string()).default([]).describe('What to check'),
        limits: z.strictObject({ loss: z.number().default(10).describe('Percent') }).prefault({}),
      }),
    ),
  post: true,
});

describe('action.yml', () => {
  const definition = parse(renderActionYml(spec)) as { inputs: Record<string, object>; outputs: object; runs: object };

  test('a default stands in the description only, so that the configuration file can override it', () => {
    expect(definition.inputs['mode']).toEqual({
      description: 'What to do. One of: before, after. Default: after',
      required: false,
    });
  });

  test('an expression is a default, because only GitHub can evaluate it', () => {
    expect(definition.inputs['github-token']).toMatchObject({ default: '${{ github.token }}' });
  });

  test('only a secret is required there: everything else may come from the file', () => {
    expect(definition.inputs['token']).toMatchObject({ required: true });
    expect(definition.inputs['note']).toMatchObject({ required: false });
  });

  test('runs on Node 24, with the same entry as post step', () => {
    expect(definition.runs).toEqual({ using: 'node24', main: 'dist/index.js', post: 'dist/index.js' });
  });
});

describe('README blocks', () => {
  test('fill their markers and leave the prose alone', async () => {
    const blocks = readmeBlocks(spec, await settingsSchema(spec));
    const filled = fillMarkers('# Verify\n<!-- generated:inputs -->stale text<!-- /generated -->\nProse.\n', blocks);
    expect(filled).toContain('| `mode` | `before` `after` | `after` | What to do. |');
    expect(filled).toContain(String.raw`Stop at \| the first problem.`);
    expect(filled).not.toContain('stale text');
    expect(filled).toMatch(/^# Verify\n[\s\S]*\nProse\.\n$/);
    expect(fillMarkers(filled, blocks)).toBe(filled);
  });

  test('show the structured settings', async () => {
    const table = readmeBlocks(spec, await settingsSchema(spec))['settings'];
    expect(table).toContain('| `checks` | list of string | `[]` | What to check |');
    expect(table).toContain('| `limits.loss` | number | `10` | Percent |');
  });

  test('refuse a marker that nothing fills', () => {
    expect(() => fillMarkers('<!-- generated:inptus --><!-- /generated -->', { inputs: '' })).toThrow('generated:inptus');
  });
});

test('the schema of migration-guard.yml holds inputs and settings of each section, but no secret and nothing that is input only', async () => {
  const schema = JSON.parse(await renderConfigSchema([spec])) as {
    properties: { verify: { properties: Record<string, object>; additionalProperties: boolean }; database: object };
  };
  expect(Object.keys(schema.properties.verify.properties).sort()).toEqual([
    'checks',
    'database',
    'environment',
    'limits',
    'mode',
    'note',
    'strict',
  ]);
  expect(schema.properties.verify.additionalProperties).toBe(false);
  expect(schema.properties.database).toMatchObject({ type: 'string' });
});

test('the schema keeps what a section refers to where the reference points', async () => {
  const Scope = z.strictObject({
    name: z.string(),
    get inner() {
      return z.array(Scope).optional();
    },
  });
  const settings = (): Promise<z.ZodType> => Promise.resolve(z.strictObject({ scope: Scope }));
  const schema = JSON.parse(await renderConfigSchema([{ ...spec, settings }])) as { readonly $defs: Readonly<Record<string, unknown>> };
  const references = [...JSON.stringify(schema).matchAll(/"\$ref":"#\/\$defs\/([^"]+)"/g)].map(([, name]) => name ?? '');
  expect(references).not.toHaveLength(0);
  for (const name of references) expect(schema.$defs).toHaveProperty([name]);
});

test('the error page lists every code under its area, with what to do', () => {
  const page = renderErrorPage({
    'lock/held': { summary: 'Held.', remedy: 'Wait.' },
    'input/invalid': { summary: 'Bad.', remedy: 'Mend.' },
  });
  expect(page.indexOf('## input')).toBeLessThan(page.indexOf('## lock'));
  expect(page).toContain('### `lock/held`\nHeld.\n\n**What to do:** Wait.');
});
