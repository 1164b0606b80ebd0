import { z } from 'zod';
import { detection } from './detection.ts';
import { duration } from './duration.ts';
import { generators } from '../http/scenario.ts';
import { headers, recordOf, step, variableName, type Step } from '../http/step.ts';
import { namesIn, namesInJson } from '../http/template.ts';

const preflight = z.strictObject({
  path: z
    .string()
    .regex(/^\//, 'expected a path that starts with /')
    .default('/')
    .describe('Asked first, with GET; any answer shows that the service can be reached.'),
  wait: duration.prefault('10s').describe('How long a service that does not answer yet is waited for.'),
  unreachable: z
    .enum(['inconclusive', 'fail'])
    .default('inconclusive')
    .describe('What it means that no answer came: the runner may simply not be allowed to reach the service.'),
});

const performance = z.strictObject({
  steps: z.array(z.string()).default([]).describe('Names of the steps to repeat after the scenario.'),
  samples: z.int().min(1).max(10_000).default(20).describe('How often each of them is sent.'),
  warmup: z.int().min(0).max(1_000).default(2).describe('Requests before the samples that are not judged.'),
  good: duration.prefault('1s').describe('Below: good. The 95th percentile is judged.'),
  critical: duration.prefault('2s').describe('Above: critical.'),
});

const watch = z.strictObject({
  path: z
    .string()
    .regex(/^\//, 'expected a path that starts with /')
    .exactOptional()
    .describe('Asked again and again, with GET; default: the path of preflight.'),
  interval: duration.prefault('5s').describe('Time between two measurements.'),
  requests: z.int().min(1).max(100).default(5).describe('Requests of each measurement, one after the other.'),
  window: duration.prefault('1m').describe('Error rate and latency are those of the requests of this last time.'),
  baseline: duration.exactOptional().describe('The 95th percentile before the release, for the rule latency.'),
});

type Issue = (path: readonly (string | number)[], message: string) => void;

/** The structured part of the section `loadtest` of migration-guard.yml; also the whole of a scenario file. */
export const settings = z
  .strictObject({
    variables: recordOf(variableName, z.unknown()).default({}).describe('Values for `{{name}}` in steps.'),
    secrets: recordOf(variableName, z.string().min(1))
      .default({})
      .describe('Name in `{{name}}` to the name of the environment variable that holds the secret.'),
    headers: headers.default({}).describe('Sent with every request.'),
    timeout: duration.prefault('10s').describe('Deadline of each request.'),
    preflight: preflight.prefault({}).describe('Whether the service can be reached at all.'),
    steps: z.array(step).default([]).describe('Performed in order until one fails; each can use what earlier ones captured.'),
    performance: performance.prefault({}).describe('Which steps are repeated, and how fast they must be.'),
    watch: watch.prefault({}).describe('What the mode watch asks, how often, and what it is compared with.'),
    detection: detection.prefault({}).describe('Changes to single detection rules, or off; and own rules.'),
  })
  .superRefine((value, context) => {
    const issue: Issue = (path, message) => context.addIssue({ code: 'custom', path: [...path], message });
    checkNames(value, issue);
    checkPerformance(value, issue);
  });

export type LoadtestSettings = z.infer<typeof settings>;
export type PerformanceSettings = z.infer<typeof performance>;
export type WatchSettings = z.infer<typeof watch>;
export type PreflightSettings = z.infer<typeof preflight>;

type Unchecked = Pick<LoadtestSettings, 'variables' | 'secrets' | 'headers' | 'steps' | 'performance'>;

/** Every `{{name}}` must be known when its step runs, so that a slip is found before anything is sent. */
function checkNames(value: Unchecked, issue: Issue): void {
  const known = new Set([...Object.keys(generators), ...Object.keys(value.variables), ...Object.keys(value.secrets)]);
  for (const section of ['variables', 'secrets'] as const) {
    for (const name of Object.keys(value[section])) if (name in generators) issue([section, name], 'is the name of a generated value');
  }
  const require = (path: readonly (string | number)[], names: readonly string[]): void => {
    for (const name of names) if (!known.has(name)) issue(path, `uses {{${name}}}, which nothing before it defines`);
  };
  for (const [name, text] of Object.entries(value.headers)) require(['headers', name], namesIn(text));
  const steps = new Set<string>();
  for (const [index, step] of value.steps.entries()) {
    if (steps.has(step.name)) issue(['steps', index, 'name'], 'is the name of an earlier step');
    steps.add(step.name);
    for (const [key, names] of namesOf(step)) require(['steps', index, key], names);
    if (step.json !== undefined && step.body !== undefined) issue(['steps', index, 'body'], 'cannot stand beside json');
    for (const name of Object.keys(step.capture)) {
      if (name in generators) issue(['steps', index, 'capture', name], 'is the name of a generated value');
      known.add(name);
    }
  }
}

function namesOf(step: Step): readonly (readonly [string, readonly string[]])[] {
  return [
    ['request', namesIn(step.request)],
    ['headers', namesInJson(step.headers)],
    ['json', namesInJson(step.json)],
    ['body', namesInJson(step.body)],
    ['expect', [...namesInJson(step.expect.json), ...namesInJson(step.expect.headers), ...namesInJson(step.expect['body-contains'])]],
  ];
}

function checkPerformance({ performance: judged, steps }: Unchecked, issue: Issue): void {
  if (judged.critical < judged.good) issue(['performance', 'critical'], 'must not be less than good');
  for (const [index, name] of judged.steps.entries()) {
    if (!steps.some((step) => step.name === name)) issue(['performance', 'steps', index], 'is not the name of a step');
  }
}
