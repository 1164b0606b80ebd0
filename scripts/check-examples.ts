import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readConfigFile, sectionNames, topLevelInputs } from '@migration-guard/shared/action/config-file';
import { parse as parseInputs } from '@migration-guard/shared/action/parse';
import type { AnySpec } from '@migration-guard/shared/action/spec';
import { parseAllDocuments } from 'yaml';
import { actions } from './actions.ts';
import { yamlExamples, usesOf, type Example } from './examples/find.ts';
import { readTracked, trackedFiles } from './tracked-files.ts';

/** Every step in a README, a document or a workflow that uses one of our actions, and every migration-guard.yml shown, is right. */
export async function check(): Promise<readonly string[]> {
  const specs = new Map((await actions()).map(({ name, spec }) => [name, spec]));
  const written = trackedFiles(/\.md$|^\.github\/.*\.ya?ml$|^demo\/.*\.ya?ml$/).flatMap((file) => yamlExamples(file, readTracked(file)));
  const ofSpecs = [...specs].map(([name, { example }]) => ({ where: `action-${name}/spec.ts`, text: example }));
  const violations = await Promise.all([...written, ...ofSpecs].map((example) => checkExample(example, specs)));
  return violations.flat();
}

async function checkExample({ where, text }: Example, specs: ReadonlyMap<string, AnySpec>): Promise<readonly string[]> {
  const documents = parseAllDocuments(text);
  const broken = ('empty' in documents ? [] : documents).flatMap(({ errors }) => errors);
  if (broken.length > 0) return [`${where}: is not valid YAML: ${broken[0]?.message.split('\n')[0]}`];
  const values = ('empty' in documents ? [] : documents).map((document) => document.toJS() as unknown);
  const violations = values.flatMap(usesOf).flatMap(({ action, inputs }) => {
    const spec = specs.get(action);
    return spec === undefined ? [`there is no action-${action}`] : wrongInputs(spec, inputs);
  });
  const configs = await Promise.all(values.filter(isConfig).map(() => wrongSettings(text, specs)));
  return [...violations, ...configs.flat()].map((violation) => `${where}: ${violation}`);
}

function wrongInputs(spec: AnySpec, inputs: ReadonlyMap<string, string>): string[] {
  const computed = (name: string): boolean => inputs.get(name)?.includes('${{') === true;
  return parseInputs(spec.inputs, inputs, new Map())
    .problems.filter(({ subject }) => !computed(subject))
    .map(({ subject, message }) => `action-${spec.name}: ${subject} ${message}`);
}

/** An example of migration-guard.yml: only names of sections at its top. */
function isConfig(value: unknown): boolean {
  const keys = typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.keys(value) : [];
  const known: readonly string[] = [...sectionNames, ...topLevelInputs];
  return keys.some((key) => (sectionNames as readonly string[]).includes(key)) && keys.every((key) => known.includes(key));
}

async function wrongSettings(text: string, specs: ReadonlyMap<string, AnySpec>): Promise<string[]> {
  const folder = mkdtempSync(path.join(tmpdir(), 'migration-guard-example-'));
  try {
    const file = path.join(folder, 'migration-guard.yml');
    writeFileSync(file, text);
    const problems: string[] = [];
    for (const spec of specs.values()) {
      const request = { file, shownAs: 'migration-guard.yml', section: spec.name, inputs: spec.inputs, settings: await spec.settings?.() };
      const { raw, problems: found } = await readConfigFile(request);
      const inputs = new Map([...raw].map(([name, { text: value }]) => [name, value]));
      const wrong = parseInputs(spec.inputs, inputs, new Map()).problems.filter(({ subject }) => inputs.has(subject));
      problems.push(...[...found, ...wrong].map(({ subject, message }) => `${spec.name}: ${subject} ${message}`));
    }
    return problems;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
