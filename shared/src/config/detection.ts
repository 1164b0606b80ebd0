import { z } from 'zod';
import { duration } from './duration.ts';

const change = z.union([
  z.literal('off'),
  z.strictObject({
    /** The rule applies to values above this one. */
    above: z.number().min(0).exactOptional(),
    severity: z.enum(['medium', 'high', 'critical']).exactOptional(),
    decision: z.enum(['continue', 'rollback']).exactOptional(),
    /** How soon the decision takes effect, if the value does not recover. */
    within: duration.exactOptional(),
  }),
]);

/** Changes to single rules of the detection table (shared/src/checks/detection.ts), by rule name; `off` takes a rule out. */
export const detection = z.strictObject({
  data_loss: change.exactOptional(),
  unexpected_growth: change.exactOptional(),
  migration_failure: change.exactOptional(),
  failed_check: change.exactOptional(),
  error_rate_critical: change.exactOptional(),
  error_rate_high: change.exactOptional(),
  error_rate_medium: change.exactOptional(),
  latency: change.exactOptional(),
  api_down: change.exactOptional(),
  connection_lost: change.exactOptional(),
});

export type DetectionSettings = z.infer<typeof detection>;
