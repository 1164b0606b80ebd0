import { z } from 'zod';
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
});

export type DetectionSettings = z.infer<typeof detection>;
