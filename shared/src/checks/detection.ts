import { conditionNames, type DetectionSettings } from '../config/detection.ts';
import { parseCondition } from './expression.ts';

const signalNames = [
  'count-loss',
  'count-growth',
  'failed-migrations',
  'failed-checks',
  'error-rate',
  'latency-p95',
  'latency-factor',
  'requests',
  'api-down',
  'connection-lost',
] as const;

/** What can be measured about a release. Percentages are 0 to 100, latencies milliseconds; `api-down` and `connection-lost` are 1 when it is so. */
export type SignalName = (typeof signalNames)[number];

/** A measured value and, in a few words, what was seen. */
export interface Signal {
  readonly value: number;
  readonly what: string;
}

export type Signals = Readonly<Partial<Record<SignalName, Signal>>>;

export type Severity = 'none' | 'medium' | 'high' | 'critical';
export type Decision = 'continue' | 'rollback';

/** One line of the rules table. */
interface DetectionRule extends Consequence {
  readonly signal: SignalName;
  /** The rule applies to values above this one. */
  readonly above: number;
}

interface Consequence {
  readonly severity: Exclude<Severity, 'none'>;
  readonly decision: Decision;
  /** Milliseconds after which the decision takes effect, if the value does not recover; 0 = at once. */
  readonly within: number;
}

type RuleName = keyof typeof detectionRules;

/** A rule that applies to what was measured. */
export interface Match extends Consequence {
  /** Name in the table, or of the user's own. */
  readonly rule: string;
  readonly what: string;
}

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
  readonly matches: readonly Match[];
  /** One line, empty when no rule applies: `data_loss: orders lost 33.3 %`. */
  readonly reason: string;
}

/** Judges what was measured by the table, changed as configured, and by the user's own rules. */
export function detect(signals: Signals, changes: DetectionSettings = {}): Detection {
  return summarize(matchesOf(signals, changes));
}

/** The rules that apply, the most severe first. */
export function matchesOf(signals: Signals, changes: DetectionSettings = {}): readonly Match[] {
  const known = (Object.keys(detectionRules) as RuleName[]).flatMap((name): Match[] => {
    const rule = ruleFor(name, changes);
    const signal = rule === undefined ? undefined : signals[rule.signal];
    if (rule === undefined || signal === undefined || !(signal.value > rule.above)) return [];
    const { severity, decision, within } = rule;
    return [{ rule: name, severity, decision, within, what: signal.what }];
  });
  return [...known, ...ownMatches(signals, changes)].sort((a, b) => rank[b.severity] - rank[a.severity]);
}

/** What the rules that apply come to. */
export function summarize(matches: readonly Match[]): Detection {
  const rollbacks = matches.filter(({ decision }) => decision === 'rollback');
  return {
    severity: matches[0]?.severity ?? 'none',
    decision: rollbacks.length > 0 ? 'rollback' : 'continue',
    within: rollbacks.reduce((shortest, { within }) => Math.min(shortest, within), rollbacks[0]?.within ?? 0),
    matches,
    reason: reasonOf(matches),
  };
}

function ownMatches(signals: Signals, { rules = [] }: DetectionSettings): Match[] {
  const measured = signalNames.flatMap((name): [string, number][] => {
    const signal = signals[name];
    return signal === undefined ? [] : [[name.replaceAll('-', '_'), signal.value]];
  });
  const values = Object.fromEntries(measured);
  return rules
    .filter(({ when }) => parseCondition(when, conditionNames)(values) === true)
    .map(({ name, when, ...consequence }) => ({ rule: name, ...consequence, what: `${when} (${namedIn(when, measured)})` }));
}

function namedIn(when: string, measured: readonly [string, number][]): string {
  const named = measured.filter(([name]) => new RegExp(`\\b${name}\\b`).test(when));
  return named.map(([name, value]) => `${name} ${Math.round(value * 10) / 10}`).join(', ');
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
