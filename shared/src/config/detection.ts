import { z } from 'zod';
import { ExpressionFault, parseCondition } from '../checks/expression.ts';
import { duration } from './duration.ts';

const change = z.union([
  z.literal('off'),
  z.strictObject({
    above: z.number().min(0).exactOptional().describe('The rule applies to values above this one.'),
    severity: z.enum(['medium', 'high', 'critical']).exactOptional(),
    decision: z.enum(['continue', 'rollback']).exactOptional(),
    within: duration.exactOptional().describe('How soon the decision takes effect, if the value does not recover.'),
  }),
]);

/** Names that a condition may use: the signals of shared/src/checks/detection.ts, with `_` for `-`. */
export const conditionNames = [
  'count_loss',
  'count_growth',
  'failed_migrations',
  'failed_checks',
  'error_rate',
  'latency_p95',
  'latency_factor',
  'requests',
  'api_down',
  'connection_lost',
] as const;

const own = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9_]*$/, 'expected a name such as slow_checkout'),
  when: z.string().superRefine((text, context) => {
    try {
      parseCondition(text, conditionNames);
    } catch (error) {
      if (!(error instanceof ExpressionFault)) throw error;
      context.addIssue({ code: 'custom', message: error.message });
    }
  }),
  severity: z.enum(['medium', 'high', 'critical']).default('high'),
  decision: z.enum(['continue', 'rollback']).default('rollback'),
  within: duration.prefault('0s'),
});

/** Changes to single rules of the detection table (shared/src/checks/detection.ts), by rule name; `off` takes a rule out. */
export const detection = z.strictObject({
  data_loss: change.exactOptional().describe('Documents lost, percent; 10.'),
  unexpected_growth: change.exactOptional().describe('Documents gained, percent; 10.'),
  migration_failure: change.exactOptional().describe('Migrations that failed; 0.'),
  failed_check: change.exactOptional().describe('Checks that failed; 0.'),
  error_rate_critical: change.exactOptional().describe('Requests that failed, percent; 10.'),
  error_rate_high: change.exactOptional().describe('Requests that failed, percent; 5.'),
  error_rate_medium: change.exactOptional().describe('Requests that failed, percent; 2.'),
  latency: change.exactOptional().describe('Latency as a multiple of the baseline; 5.'),
  api_down: change.exactOptional().describe('The service does not answer.'),
  connection_lost: change.exactOptional().describe('The database does not answer.'),
  rules: z
    .array(own)
    .exactOptional()
    .describe(
      'Own rules: name, when (a condition such as "error_rate > 1 and latency_p95 > 800"), severity, decision, within. Values that were not measured make a rule not apply.',
    ),
});

export type DetectionSettings = z.infer<typeof detection>;
