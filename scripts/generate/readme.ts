import type { AnySpec } from '@migration-guard/shared/action/spec';
import { choicesOf, type AnyInput } from './describe.ts';
import type { JsonObject } from './config-schema.ts';

/** The text of a README with everything between `<!-- generated:NAME -->` and `<!-- /generated -->` replaced by the block of that name. */
export function fillMarkers(readme: string, blocks: Readonly<Record<string, string>>): string {
  return readme.replaceAll(/<!-- generated:(\w+) -->[\s\S]*?<!-- \/generated -->/g, (_all, name: string) => {
    const block = blocks[name];
    if (block === undefined) throw new Error(`README marker generated:${name} is not one of ${Object.keys(blocks).join(', ')}.`);
    return `<!-- generated:${name} -->\n${block.trim()}\n<!-- /generated -->`;
  });
}

/** The generated blocks of the README of an action. `settings` is the JSON Schema of the structured part of its section. */
export function readmeBlocks(spec: AnySpec, settings: JsonObject): Readonly<Record<string, string>> {
  return {
    example: `\`\`\`yaml\n${spec.example.trim()}\n\`\`\``,
    inputs: table(
      ['Input', 'Kind', 'Default', 'Description'],
      Object.entries(spec.inputs).map(([name, input]) => [`\`${name}\``, kindCell(input), defaultCell(input), input.description]),
    ),
    outputs: table(
      ['Output', 'Description'],
      Object.entries(spec.outputs).map(([name, description]) => [`\`${name}\``, description]),
    ),
    permissions: table(
      ['Permission', 'Why'],
      Object.entries(spec.permissions).map(([name, why]) => [`\`${name}\``, why]),
    ),
    settings: settingsTable(settings),
  };
}

function kindCell(input: AnyInput): string {
  const kind =
    choicesOf(input)
      ?.map((choice) => `\`${choice}\``)
      .join(' ') ?? input.kind.name;
  return input.required ? `${kind}, required` : kind;
}

function defaultCell(input: AnyInput): string {
  const text = input.default ?? input.expression;
  return text === undefined ? '' : `\`${text}\``;
}

function settingsTable(settings: JsonObject): string {
  const rows = settingRows(settings, '');
  return rows.length === 0 ? 'None beside the inputs.' : table(['Setting', 'Type', 'Default', 'Description'], rows);
}

/** One row for each setting; those of an object follow it, by their path. */
function settingRows(schema: JsonObject, prefix: string): readonly (readonly string[])[] {
  const properties = Object.entries((schema['properties'] ?? {}) as Record<string, JsonObject>);
  return properties.flatMap(([name, setting]) => {
    const nested = settingRows(setting, `${prefix}${name}.`);
    const description = textOf(setting['description']);
    const own = [`\`${prefix}${name}\``, typeOf(setting), settingDefault(setting), description];
    return nested.length > 0 && description === '' ? nested : [own, ...nested];
  });
}

function typeOf(schema: JsonObject): string {
  if (Array.isArray(schema['enum'])) return schema['enum'].map((value) => `\`${String(value)}\``).join(' ');
  if (schema['type'] === 'array') return `list of ${typeOf((schema['items'] ?? {}) as JsonObject)}`;
  const variants = (schema['anyOf'] ?? schema['oneOf']) as readonly JsonObject[] | undefined;
  if (variants !== undefined) return [...new Set(variants.map(typeOf))].join(' or ');
  return typeof schema['type'] === 'string' ? schema['type'] : 'any';
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function settingDefault(schema: JsonObject): string {
  if (!('default' in schema)) return '';
  const text = JSON.stringify(schema['default']);
  return text.length > 60 ? '' : `\`${text}\``;
}

function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return 'None.';
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', String.raw`\|`).replaceAll('\n', ' ')).join(' | ')} |`;
  return [line(columns), line(columns.map(() => '---')), ...rows.map(line)].join('\n');
}
