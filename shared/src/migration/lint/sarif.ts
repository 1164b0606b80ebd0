import { fileRules, folderRules } from './rules/all.ts';
import type { LintFinding } from './run.ts';
import { suppressionWithoutReason } from './suppress.ts';

/** What is known of a rule. */
export interface DescribedRule {
  readonly code: string;
  readonly severity: LintFinding['severity'];
  readonly summary: string;
  readonly advice: string;
}

/**
 * The findings as a SARIF 2.1.0 document, with what is known of every rule, those of `more` too; paths are relative to the root of the
 * repository. Pure.
 */
export function renderSarif(findings: readonly LintFinding[], more: readonly DescribedRule[] = []): string {
  const own: readonly DescribedRule[] = [...fileRules, ...folderRules, suppressionWithoutReason];
  const rules = [...own, ...more.filter(({ code }) => !own.some((rule) => rule.code === code))].sort((a, b) => (a.code < b.code ? -1 : 1));
  const document = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'Migration Guard',
            rules: rules.map(({ code, severity, summary, advice }) => ({
              id: code,
              shortDescription: { text: plain(summary) },
              help: { text: plain(advice), markdown: advice },
              defaultConfiguration: { level: severity },
            })),
          },
        },
        columnKind: 'utf16CodeUnits',
        results: findings.map(({ code, severity, message, file, line, column }) => ({
          ruleId: code,
          ruleIndex: rules.findIndex((rule) => rule.code === code),
          level: severity,
          message: { text: plain(message) },
          locations: [
            {
              physicalLocation: {
                artifactLocation: { uri: uriOf(file), uriBaseId: '%SRCROOT%' },
                region: { startLine: line, startColumn: column },
              },
            },
          ],
        })),
      },
    ],
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** SARIF's `text` is no Markdown. */
function plain(markdown: string): string {
  return markdown.replaceAll('`', '');
}

function uriOf(file: string): string {
  return file.split(/[\\/]/).map(encodeURIComponent).join('/');
}
