import type { DetectionSettings } from '../config/detection.ts';
import { matchesOf, summarize, type Detection, type Match, type Signals } from './detection.ts';

/** A rule that applies, but whose time is not up yet. */
export interface PendingRule {
  readonly rule: string;
  readonly what: string;
  /** Milliseconds of the clock of the watch at which it decides, if the value does not recover. */
  readonly due: number;
}

export interface Watched extends Detection {
  /** The rules that still wait for their time. */
  readonly pending: readonly PendingRule[];
}

/**
 * Judges one measurement after the other. A rule decides once it has applied at every measurement for as long as it is given to recover
 * (`within`); a single good measurement starts its time anew.
 */
export class RuleWatch {
  readonly #changes: DetectionSettings;
  /** When each rule began to apply without a break. */
  readonly #since: Map<string, number> = new Map();

  constructor(changes: DetectionSettings = {}) {
    this.#changes = changes;
  }

  /** `at` in milliseconds, growing. What is decided on is severity, decision and reason of the result; the rest waits. */
  judge(at: number, signals: Signals): Watched {
    const matches = matchesOf(signals, this.#changes);
    for (const rule of this.#since.keys()) if (!matches.some((match) => match.rule === rule)) this.#since.delete(rule);
    for (const { rule } of matches) if (!this.#since.has(rule)) this.#since.set(rule, at);
    const due = ({ rule, within }: Match): number => (this.#since.get(rule) ?? at) + within;
    const decided = matches.filter((match) => due(match) <= at);
    const pending = matches.filter((match) => due(match) > at).map((match) => ({ rule: match.rule, what: match.what, due: due(match) }));
    return { ...summarize(decided), pending };
  }
}
