import { describe, expect, test } from '@jest/globals';
import { settings } from './loadtest.ts';

const step = { name: 'list', request: 'GET /orders' };

function problemsOf(value: unknown): readonly string[] {
  const parsed = settings.safeParse(value);
  return parsed.success ? [] : parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
}

describe('settings of the load test', () => {
  test('are complete when nothing is given', () => {
    expect(settings.parse({})).toMatchObject({
      timeout: 10_000,
      steps: [],
      preflight: { path: '/', wait: 10_000, unreachable: 'inconclusive' },
      performance: { samples: 20, warmup: 2, good: 1_000, critical: 2_000 },
    });
  });

  test('accept a chain of steps', () => {
    const chain = [
      { name: 'login', request: 'POST /login', json: { key: '{{apiKey}}', id: '{{uuid}}' }, capture: { token: '$.token' } },
      { ...step, headers: { authorization: 'Bearer {{token}}' }, expect: { status: 200, json: { '$.items': { type: 'array' } } } },
    ];
    expect(problemsOf({ secrets: { apiKey: 'API_KEY' }, steps: chain, performance: { steps: ['list'] } })).toEqual([]);
  });

  test.each([
    [{ stesp: [] }, ': Unrecognized key: "stesp"'],
    [{ steps: [{ ...step, expect: { staus: 200 } }] }, 'steps.0.expect: Unrecognized key: "staus"'],
    [{ steps: [{ name: 'x', request: '/orders' }] }, 'steps.0.request: expected a method and a path such as POST /orders'],
    [{ steps: [{ ...step, expect: { status: '200' } }] }, 'steps.0.expect.status: expected a status such as 201, or a list of them'],
    [
      { steps: [{ ...step, expect: { json: { '$..a': 1 } } }] },
      'steps.0.expect.json.$..a: expected the path of one value such as $.order.id or $.items[0].sku',
    ],
    [{ steps: [{ ...step, expect: { json: { '$.a': { typo: 1 } } } }] }, 'steps.0.expect.json.$.a: Unrecognized key: "typo"'],
    [
      { steps: [{ ...step, expect: { json: { '$.a': { matches: '(' } } } }] },
      'steps.0.expect.json.$.a.matches: expected a regular expression',
    ],
    [
      { steps: [{ ...step, capture: { token: 'token' } }] },
      'steps.0.capture.token: expected the path of one value such as $.order.id or $.items[0].sku',
    ],
    [{ steps: [{ ...step, request: 'GET /{{orderId}}' }] }, 'steps.0.request: uses {{orderId}}, which nothing before it defines'],
    [
      { steps: [{ ...step, request: 'GET /{{id}}', capture: { id: '$.id' } }] },
      'steps.0.request: uses {{id}}, which nothing before it defines',
    ],
    [{ steps: [{ ...step, capture: { token: 7 } }] }, 'steps.0.capture.token: expected a path such as $.token, or { header: name }'],
    [{ steps: [{ ...step, capture: { 'a b': '$.a' } }] }, 'steps.0.capture.a b: expected a name of letters, digits, - and _'],
    [{ headers: { 'a b': '' } }, 'headers.a b: expected the name of a header'],
    [{ headers: { authorization: '{{token}}' } }, 'headers.authorization: uses {{token}}, which nothing before it defines'],
    [{ steps: [step, step] }, 'steps.1.name: is the name of an earlier step'],
    [{ steps: [{ ...step, json: {}, body: 'x' }] }, 'steps.0.body: cannot stand beside json'],
    [{ variables: { uuid: 1 } }, 'variables.uuid: is the name of a generated value'],
    [{ steps: [{ ...step, capture: { now: '$.now' } }] }, 'steps.0.capture.now: is the name of a generated value'],
    [{ steps: [step], performance: { steps: ['lisst'] } }, 'performance.steps.0: is not the name of a step'],
    [{ performance: { good: '2s', critical: '1s' } }, 'performance.critical: must not be less than good'],
    [{ timeout: 10 }, 'timeout: Invalid input: expected string, received number'],
    [{ timeout: '10 s' }, 'timeout: expected a duration such as 500ms, 10s or 1m30s'],
  ])('refuse %j', (value, problem) => {
    expect(problemsOf(value)).toEqual([problem]);
  });
});
