import { GuardError } from '@migration-guard/shared/errors/guard-error';

const internal = new Set(['admin', 'config', 'local']);

/**
 * The databases that names and patterns (`*` for any characters) mean, each once, in the order of the list and by name within a pattern.
 * A plain name need not exist yet. Throws `migration/no-database` for a pattern that fits none.
 */
export function selectDatabases(wanted: readonly string[], existing: readonly string[]): readonly string[] {
  const candidates = existing.filter((name) => !internal.has(name)).sort();
  const selected = wanted.flatMap((pattern) => {
    if (!pattern.includes('*')) return [pattern];
    const expression = new RegExp(`^${pattern.split('*').map(escaped).join('.*')}$`);
    const found = candidates.filter((name) => expression.test(name));
    if (found.length === 0) throw new GuardError('migration/no-database', `No database fits ${pattern}.`);
    return found;
  });
  return [...new Set(selected)];
}

function escaped(text: string): string {
  return text.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`);
}
