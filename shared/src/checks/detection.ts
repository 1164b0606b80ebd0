import type { DetectionSettings } from '../config/detection.ts';

/** What can be measured about a release. Percentages are 0 to 100; `api-down` and `connection-lost` are 1 when it is so. */
export type SignalName =
  'count-loss' | 'count-growth' | 'failed-migrations' | 'failed-checks' | 'error-rate' | 'latency-factor' | 'api-down' | 'connection-lost';

/** A measured value and, in a few words, what was seen. */
export interface Signal {
  readonly value: number;
  readonly what: string;
}

export type Signals = Readonly<Partial<Record<SignalName, Signal>>>;

export type Severity = 'none' | 'medium' | 'high' | 'critical';
export type Decision = 'continue' | 'rollback';

/** One line of the rules table. */
export interface DetectionRule {
  readonly signal: SignalName;
  /** The rule applies to values above this one. */
  readonly above: number;
  readonly severity: Exclude<Severity, 'none'>;
  readonly decision: Decision;
  /** Milliseconds after which the decision takes effect, if the value does not recover; 0 = at once. */
  readonly within: number;
}

export type RuleName = keyof typeof detectionRules;

const minute = 60_000;

/** The one table by which verify, loadtest and watch judge a release. A configuration changes single rules. */
export const detectionRules = {
  data_loss: { signal: 'count-loss', above: 10, severity: 'critical', decision: 'rollback', within: 0 },
  unexpected_growth: { signal: 'count-growth', above: 10, severity: 'high', decision: 'rollback', within: 5 * minute },
  migration_failure: { signal: 'failed-migrations', above: 0, severity: 'critical', decision: 'rollback', within: 0 },
  failed_check: { signal: 'failed-checks', above: 0, severity: 'high', decision: 'rollback', within: 5 * minute },
  error_rate_critical: { signal: 'error-rate', above: 10, severity: 'critical', decision: 'rollback', within: 0 },
  error_rate_high: { signal: 'error-rate', above: 5, severity: 'high', decision: 'rollback', within: 5 * minute },
  error_rate_medium: { signal: 'error-rate', above: 2, severity: 'medium', decision: 'rollback', within: 15 * minute },
  latency: { signal: 'latency-factor', above: 5, severity: 'high', decision: 'rollback', within: 5 * minute },
  api_down: { signal: 'api-down', above: 0, severity: 'critical', decision: 'rollback', within: 0 },
  connection_lost: { signal: 'connection-lost', above: 0, severity: 'critical', decision: 'rollback', within: 0 },
} as const satisfies Record<string, DetectionRule>;

export interface Detection {
  readonly severity: Severity;
  readonly decision: Decision;
  /** Milliseconds: the shortest of the rules that decided for a rollback; 0 = at once. */
  readonly within: number;
  /** The rules that apply, the most severe first. */
  readonly matches: readonly { readonly rule: RuleName; readonly what: string }[];
  /** One line, empty when no rule applies: `data_loss: orders lost 33.3 %`. */
  readonly reason: string;
}

/** Judges what was measured by the table, changed as configured. */
export function detect(signals: Signals, changes: DetectionSettings = {}): Detection {
  const matches = (Object.keys(detectionRules) as RuleName[])
    .flatMap((name) => {
      const rule = ruleFor(name, changes);
      const signal = rule === undefined ? undefined : signals[rule.signal];
      return rule === undefined || signal === undefined || !(signal.value > rule.above) ? [] : [{ name, rule, what: signal.what }];
    })
    .sort((a, b) => rank[b.rule.severity] - rank[a.rule.severity]);
  const rollbacks = matches.filter(({ rule }) => rule.decision === 'rollback');
  return {
    severity: matches[0]?.rule.severity ?? 'none',
    decision: rollbacks.length > 0 ? 'rollback' : 'continue',
    within: rollbacks.reduce((shortest, { rule }) => Math.min(shortest, rule.within), rollbacks[0]?.rule.within ?? 0),
    matches: matches.map(({ name, what }) => ({ rule: name, what })),
    reason: reasonOf(matches.map(({ name, what }) => ({ rule: name, what }))),
  };
}

/** Both, and of a signal that both have the greater value. */
export function mergeSignals(a: Signals, b: Signals): Signals {
  const merged: Partial<Record<SignalName, Signal>> = { ...a };
  for (const [name, signal] of Object.entries(b) as [SignalName, Signal][]) {
    if (!((merged[name]?.value ?? -Infinity) >= signal.value)) merged[name] = signal;
  }
  return merged;
}

const rank: Readonly<Record<Severity, number>> = { none: 0, medium: 1, high: 2, critical: 3 };

function ruleFor(name: RuleName, changes: DetectionSettings): DetectionRule | undefined {
  const change = changes[name];
  return change === 'off' ? undefined : { ...detectionRules[name], ...change };
}

/** What was seen, each by its most severe rule. `failed_check` sums up what more exact rules name already. */
function reasonOf(matches: Detection['matches']): string {
  const exact = matches.filter(({ rule }) => rule !== 'failed_check');
  const named = exact.length > 0 ? exact : matches;
  const distinct = named.filter(({ what }, index) => named.findIndex((other) => other.what === what) === index);
  return distinct.map(({ rule, what }) => `${rule}: ${what}`).join('; ');
}
