import { z, type core } from 'zod';
import { duration } from '../config/duration.ts';
import { parseJsonPath } from './json-path.ts';

/** Name of a variable, as it stands in `{{name}}`. */
export const variableName = z.string().regex(/^[A-Za-z][\w-]*$/, 'expected a name of letters, digits, - and _');
const headerName = z.string().regex(/^[\w!#$%&'*+.^`|~-]+$/, 'expected the name of a header');
const jsonPath = z
  .string()
  .refine((text) => parseJsonPath(text) !== undefined, 'expected the path of one value such as $.order.id or $.items[0].sku');
const status = z.int().min(100).max(599);
const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const pattern = z.string().refine(isPattern, 'expected a regular expression');

/** What one value of a JSON body must be; everything that is given must hold. */
const matcher = z.strictObject({
  equals: z.unknown().optional(),
  type: z.enum(['string', 'number', 'boolean', 'array', 'object', 'null']).optional(),
  exists: z.boolean().optional(),
  matches: pattern.optional(),
  'at-least': z.number().optional(),
  'at-most': z.number().optional(),
});

const expectation = z.strictObject({
  status: z
    .union([status, z.array(status).min(1)], 'expected a status such as 201, or a list of them')
    .optional()
    .describe('Default: any 2xx.'),
  json: recordOf(jsonPath, z.union([scalar, matcher], { error: unionMessage }))
    .default({})
    .describe('Path such as $.order.id to the value, or to what the value must be.'),
  headers: recordOf(headerName, z.string()).default({}).describe('Text that each header must contain.'),
  'body-contains': z.string().optional().describe('Text that the body must contain.'),
  'max-milliseconds': z.int().positive().optional().describe('Time in which the whole answer must be there.'),
});

const capture = z.union([jsonPath, z.strictObject({ header: headerName })], 'expected a path such as $.token, or { header: name }');

export const headers = recordOf(headerName, z.string());

export const step = z.strictObject({
  name: z.string().min(1).describe('Shown in log and report; performance refers to it.'),
  request: z
    .string()
    .regex(/^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) \/.*$/, 'expected a method and a path such as POST /orders')
    .describe('Method and path, for example `POST /orders/{{orderId}}/driver`.'),
  headers: headers.default({}).describe('Sent with this request, beside those of the scenario.'),
  json: z.unknown().optional().describe('Body, sent as JSON; {{name}} alone keeps the type of its value.'),
  body: z.string().optional().describe('Body as text, where it is not JSON.'),
  timeout: duration.optional().describe('Deadline of this request; default: that of the scenario.'),
  retries: z
    .int()
    .min(0)
    .max(20)
    .default(0)
    .describe('Further attempts after a failed connection or 502, 503, 504; never after a wrong answer.'),
  expect: expectation.prefault({}).describe('What the answer must be.'),
  capture: recordOf(variableName, capture)
    .default({})
    .describe('Name to where its value stands in the answer: a path such as $.token, or { header: name }.'),
});

export type Matcher = z.infer<typeof scalar> | z.infer<typeof matcher>;
export type Expectation = z.infer<typeof expectation>;
export type Capture = z.infer<typeof capture>;
export type Step = z.infer<typeof step>;

/** A record whose problem with a key is that of the key's own schema. */
export function recordOf<Key extends z.ZodString, Value extends z.ZodType>(key: Key, value: Value): z.ZodRecord<Key, Value> {
  return z.record(key, value, { error: (issue) => (issue.code === 'invalid_key' ? issue.issues[0]?.message : undefined) });
}

function isPattern(text: string): boolean {
  try {
    return new RegExp(text, 'u') instanceof RegExp;
  } catch {
    return false;
  }
}

/** The message of the branch that was meant: for an object that of the matcher, not "Invalid input". */
function unionMessage(issue: core.$ZodRawIssue): string {
  const { errors, input } = issue as { errors?: readonly (readonly core.$ZodIssue[])[]; input?: unknown };
  const first = typeof input === 'object' ? errors?.at(-1)?.[0] : undefined;
  if (first === undefined) return 'expected a value, or settings such as { type: string }';
  return `${[...first.path, ''].join(': ')}${first.message}`;
}
