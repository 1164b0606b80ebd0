import { topLevelInputs, inputsOnly } from '@migration-guard/shared/action/config-file';
import { commonInputs, type AnySpec } from '@migration-guard/shared/action/spec';
import { z } from 'zod';
import { inputDescription } from './describe.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

/** The JSON Schema of what a user may write for the structured settings of an action. */
export async function settingsSchema(spec: AnySpec): Promise<JsonObject> {
  const settings = await spec.settings?.();
  if (settings === undefined) return { properties: {} };
  const { $schema: _dialect, ...schema } = z.toJSONSchema(settings, { io: 'input', unrepresentable: 'any', reused: 'inline' });
  return schema;
}

/** The JSON Schema of migration-guard.yml: per action its plain inputs, secrets excepted, and its structured settings. */
export async function renderConfigSchema(specs: readonly AnySpec[]): Promise<string> {
  const sections = await Promise.all(specs.map(async (spec) => ({ name: spec.name, ...(await sectionSchema(spec)) })));
  const top = topLevelInputs.map((name) => [name, inputSchema(commonInputs[name])] as const);
  const schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'migration-guard.yml',
    description: 'The database, migrations, checks, scenario, rules and channels of one repository. Inputs of the actions override it.',
    type: 'object',
    properties: Object.fromEntries([...top, ...sections.map(({ name, schema }) => [name, schema])]),
    additionalProperties: false,
    $defs: Object.fromEntries(sections.flatMap(({ definitions }) => Object.entries(definitions))),
  };
  return `${JSON.stringify(schema, undefined, 2)}\n`;
}

/** One section, and what it refers to: its definitions, whose names are the section's own so that all sections fit into one document. */
async function sectionSchema(spec: AnySpec): Promise<{ readonly schema: JsonObject; readonly definitions: JsonObject }> {
  const { $defs, ...settings } = await settingsSchema(spec);
  const inputs = Object.entries(spec.inputs)
    .filter(([name, input]) => input.kind.name !== 'secret' && !inputsOnly.includes(name))
    .map(([name, input]) => [name, inputSchema(input)] as const);
  const schema = {
    description: spec.description,
    type: 'object',
    properties: { ...Object.fromEntries(inputs), ...(settings['properties'] as JsonObject | undefined) },
    ...(settings['required'] === undefined ? {} : { required: settings['required'] }),
    additionalProperties: false,
  };
  const definitions = Object.entries(($defs ?? {}) as JsonObject).map(([name, definition]) => [`${spec.name}.${name}`, definition]);
  return prefixReferences({ schema, definitions: Object.fromEntries(definitions) as JsonObject }, spec.name);
}

function prefixReferences<T extends object>(value: T, section: string): T {
  return JSON.parse(JSON.stringify(value), (key, child: unknown) =>
    key === '$ref' && typeof child === 'string' ? child.replace('#/$defs/', `#/$defs/${section}.`) : child,
  ) as T;
}

function inputSchema(input: AnySpec['inputs'][string]): JsonObject {
  return { ...input.kind.schema, description: inputDescription(input) };
}
