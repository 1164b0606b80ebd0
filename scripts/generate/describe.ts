import type { AnySpec } from '@migration-guard/shared/action/spec';

export type AnyInput = AnySpec['inputs'][string];

/** The description of an input as one paragraph, with its choices and its default. */
export function inputDescription(input: AnyInput): string {
  const choices = choicesOf(input);
  const parts = [
    input.description,
    ...(choices === undefined ? [] : [`One of: ${choices.join(', ')}.`]),
    ...(input.default === undefined ? [] : [`Default: ${input.default}`]),
  ];
  return parts.join(' ').replaceAll(/\s+/g, ' ');
}

/** The values that a choice allows; undefined for all other kinds. */
export function choicesOf(input: AnyInput): readonly string[] | undefined {
  return input.kind.name === 'choice' ? (input.kind.schema['enum'] as readonly string[]) : undefined;
}
