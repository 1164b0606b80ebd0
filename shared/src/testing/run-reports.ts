import path from 'node:path';
import { runReport, type RunReport, type Stage } from '../report/run-report.ts';

const folder = path.join(import.meta.dirname, '..', 'report', 'fixtures');

export const sampleNames = ['passed', 'failed', 'rolled-back'] as const;

export function samplePath(file: string): string {
  return path.join(folder, file);
}

/** A run report as a real run writes it. */
export function sampleReport(name: (typeof sampleNames)[number]): Promise<RunReport> {
  return runReport.read(samplePath(`${name}.json`));
}

/** A stage that passed one second after the epoch, with overrides. */
export function stageWith(overrides: Partial<Stage>): Stage {
  const startedAt = '1970-01-01T00:00:01.000Z';
  const base = { action: 'verify', mode: 'verify', title: 'Verify', startedAt, milliseconds: 1_000, result: 'passed' as const };
  return { ...base, figures: [], tables: [], findings: [], outputs: {}, ...overrides };
}

/** Breaks out of text, attributes, comments, style and raw text wherever it is not escaped. */
const hostileText = `"'\`></style></title></textarea>--><x-hostile onload=alert(1)><img src=x onerror=alert(1)>&lt;|\u202E`;

/** The report with a (hostile) text added to every text that an action can choose. */
export function spoiled(report: RunReport, addition = hostileText): RunReport {
  const fixed = new Set(['version', 'action', 'startedAt', 'result', 'severity', 'url']);
  const spoil = (value: unknown): unknown => {
    if (typeof value === 'string') return `${value} ${addition}`;
    if (Array.isArray(value)) return value.map(spoil);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, fixed.has(key) ? member : spoil(member)]));
  };
  return spoil(report) as RunReport;
}
