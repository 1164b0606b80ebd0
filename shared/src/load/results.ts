import { z } from 'zod';
import { defineDocument } from '../documents/document.ts';

const verdict = z.enum(['pass', 'warn', 'fail', 'inconclusive']);
const severity = z.enum(['none', 'medium', 'high', 'critical']);
const milliseconds = z.number().nonnegative();

const step = z.object({
  name: z.string(),
  /** Method and path with placeholders; values are never kept. */
  request: z.string(),
  status: z.number().optional(),
  milliseconds,
  attempts: z.number(),
  problems: z.array(z.string()).readonly(),
});

const samples = z.object({
  name: z.string(),
  requests: z.number(),
  failed: z.number(),
  /** Over the requests that were answered; absent when none was. */
  latency: z.object({ median: milliseconds, p95: milliseconds, max: milliseconds }).optional(),
  verdict,
});

const schema = z.object({
  version: z.literal(1),
  mode: z.enum(['smoke']),
  /** Scheme, host and port of the service. */
  service: z.string(),
  /** ISO 8601. */
  startedAt: z.string(),
  milliseconds,
  /** Whether the service answered at all. */
  reachable: z.boolean(),
  verdict,
  severity,
  reasons: z.array(z.string()),
  steps: z.array(step),
  /** Names of the steps that were not reached. */
  skipped: z.array(z.string()),
  samples: z.array(samples),
});

/** What a load test found, for other actions and for people who keep figures. */
export type LoadtestResults = z.infer<typeof schema>;

export const loadtestResults = defineDocument('load test results', 1, schema);
