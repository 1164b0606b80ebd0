import type { AnySpec } from '@migration-guard/shared/action/spec';
import { stringify } from 'yaml';
import { inputDescription } from './describe.ts';

/**
 * The action.yml of a spec. Defaults stay out of it, except expressions that only GitHub can evaluate: an input with a default always
 * arrives, and could not be told from one that a user wrote to override migration-guard.yml.
 */
export function renderActionYml(spec: AnySpec): string {
  const inputs = Object.entries(spec.inputs).map(([name, input]) => [
    name,
    {
      description: inputDescription(input),
      required: input.required && input.kind.name === 'secret',
      ...(input.expression === undefined ? {} : { default: input.expression }),
    },
  ]);
  const outputs = Object.entries(spec.outputs).map(([name, description]) => [name, { description }]);
  const definition = {
    name: spec.title,
    description: spec.description,
    author: 'Migration Guard',
    inputs: Object.fromEntries(inputs),
    outputs: Object.fromEntries(outputs),
    runs: { using: 'node24', main: 'dist/index.js', ...(spec.post === true ? { post: 'dist/index.js' } : {}) },
    branding: { icon: 'shield', color: 'green' },
  };
  return `# Generated from spec.ts by \`npm run generate\`: do not edit.\n${stringify(definition, { lineWidth: 0 })}`;
}
