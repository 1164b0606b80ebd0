export interface Example {
  /** File, and line for an example inside of a Markdown file. */
  readonly where: string;
  readonly text: string;
}

export interface UsedAction {
  readonly action: string;
  readonly inputs: ReadonlyMap<string, string>;
}

/** The YAML of a file: all of a workflow, every fenced block of a Markdown file. */
export function yamlExamples(file: string, text: string): readonly Example[] {
  if (!file.endsWith('.md')) return [{ where: file, text }];
  return [...text.matchAll(/^([ \t]*)```ya?ml\n([\s\S]*?)^\1```/gm)].map((match) => {
    const line = text.slice(0, match.index).split('\n').length;
    const indent = match[1] ?? '';
    return { where: `${file}:${line}`, text: (match[2] ?? '').replaceAll(new RegExp(`^${indent}`, 'gm'), '') };
  });
}

/** Every step, at any depth of `value`, that uses an `action-…` of ours: by `./`, `$/` or `owner/repository/`. */
export function usesOf(value: unknown): readonly UsedAction[] {
  if (Array.isArray(value)) return value.flatMap(usesOf);
  if (typeof value !== 'object' || value === null) return [];
  const step = value as { readonly uses?: unknown; readonly with?: Readonly<Record<string, unknown>> };
  const action = typeof step.uses === 'string' ? /(?:^|\/)action-([\w-]+)(?:@[^/]+)?$/.exec(step.uses)?.[1] : undefined;
  const own =
    action === undefined
      ? []
      : [{ action, inputs: new Map(Object.entries(step.with ?? {}).map(([name, given]) => [name, String(given)])) }];
  return [...own, ...Object.values(value).flatMap(usesOf)];
}
