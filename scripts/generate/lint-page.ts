import type { FileRule, FolderRule } from '@migration-guard/shared/migration/lint/rule';
import type { RecordedRule } from '@migration-guard/shared/rehearsal/rules/rule';

interface Entry {
  readonly code: string;
  readonly severity: string;
  readonly summary: string;
  readonly advice: string;
}

interface Rules {
  readonly files: readonly FileRule[];
  readonly folders: readonly FolderRule[];
  readonly recorded: readonly RecordedRule[];
  readonly suppression: Entry;
}

/** docs/lint.md: every rule with its examples. */
export function renderLintPage({ files, folders, recorded, suppression }: Rules): string {
  const rules: readonly Entry[] = [...files, ...folders, suppression];
  return [
    '<!-- Generated from shared/src/migration/lint/rules by `npm run generate`: do not edit. -->',
    '# Lint rules',
    '',
    'The modes `plan`, `rehearse` and `apply` of action-migrate read each pending file by these rules, without running it. An error fails the step,',
    'in `apply` before the first write. A warning makes `plan` and `rehearse` end as warned. What only `down` does is judged by the rehearsal, which runs it.',
    '',
    'Suppress a finding on the line above it, with the reason: `// migration-guard-disable-next-line MD103 -- only caches`.',
    'Severity, by code and by path, is set in `migrate: lint:` of `.github/migration-guard.yml`; `lint: false` turns all of it off.',
    '```yaml',
    'migrate:',
    '  lint:',
    '    rules: { MC204: off, MD104: warning }',
    '    paths: { "migrations/legacy/**": { MS602: off } } # the last that matches counts',
    '    big-collections: [events] # for MP401, MP405, MP407',
    '    shard-keys: { orders: [tenant] } # for MX801',
    '    server-version: "6.0" # for MV901',
    '```',
    'The output `sarif` is the path of a SARIF file for `github/codeql-action/upload-sarif`.',
    '',
    'Order and history need the database and are checked by the runner: a late file ends with `migration/late` (MN701), an edited or missing one is found as',
    '`migration/edited` or `migration/missing` (MN702).',
    '',
    '| Rule | Severity | Finds |',
    '| --- | --- | --- |',
    ...rules.map(({ code, severity, summary }) => `| [${code}](#${code.toLowerCase()}) | ${severity} | ${summary} |`),
    '',
    ...files.flatMap((rule) => [...head(rule), ...settingsOf(rule), 'Bad:', ...code(rule.bad), 'Good:', ...code(rule.good), '']),
    ...folders.flatMap((rule) => [
      ...head(rule),
      'Bad:',
      ...code(rule.badNames.join('\n')),
      'Good:',
      ...code(rule.goodNames.join('\n')),
      '',
    ]),
    ...head(suppression),
    ...recordedPart(recorded),
  ].join('\n');
}

function recordedPart(rules: readonly RecordedRule[]): string[] {
  return [
    '# Recorded rules',
    '',
    'The mode `rehearse` finds these in what a migration was seen to do on the copy, at the line that did it. A code that a static rule has too is found here',
    'where the text alone does not show it. Severities and suppressions are set in the same way.',
    '',
    '| Rule | Severity | Finds |',
    '| --- | --- | --- |',
    ...rules.map(({ code: name, severity, summary }) => `| [${name}](#${name.toLowerCase()}-recorded) | ${severity} | ${summary} |`),
    '',
    ...rules.flatMap((rule) => [
      ...head({ ...rule, code: `${rule.code} recorded` }),
      'Bad:',
      ...code(rule.bad),
      'Good:',
      ...code(rule.good),
      '',
    ]),
  ];
}

function head({ code: name, severity, summary, advice }: Entry): string[] {
  return [`## ${name}`, `${severity}: ${summary}`, '', `**What to do:** ${advice}`, ''];
}

function settingsOf({ settings }: FileRule): string[] {
  return settings === undefined ? [] : [`With the configuration \`${JSON.stringify(settings)}\`:`, ''];
}

function code(text: string): string[] {
  return ['```js', text, '```'];
}
