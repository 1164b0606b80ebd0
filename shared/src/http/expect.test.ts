import { describe, expect, test } from '@jest/globals';
import { captureValues } from './capture.ts';
import { unmetExpectations } from './expect.ts';
import type { Answer } from './request.ts';
import { step, type Step } from './step.ts';

const answer: Answer = {
  kind: 'answer',
  status: 200,
  headers: new Headers({ 'content-type': 'application/json; charset=utf-8', location: '/orders/7' }),
  body: JSON.stringify({ order: { id: 'secret-7', total: 12.5, items: [{ sku: 'a' }], note: null } }),
  milliseconds: 120.4,
};

const names: Readonly<Record<string, unknown>> = { orderId: 'secret-7', total: 12.5 };

function stepWith(parts: Readonly<Record<string, unknown>>): Step {
  return step.parse({ name: 'x', request: 'GET /', ...parts });
}

const unmet = (expectation: unknown, found: Answer = answer): readonly string[] =>
  unmetExpectations(stepWith({ expect: expectation }).expect, found, (name) => names[name]);

describe('expectations', () => {
  test.each([
    [{}],
    [{ status: 200 }],
    [{ status: [201, 200] }],
    [{ headers: { 'Content-Type': 'application/json' } }],
    [{ 'body-contains': '"sku":"a"' }],
    [{ 'max-milliseconds': 121 }],
    [{ json: { '$.order.id': '{{orderId}}', '$.order.total': '{{total}}', '$.order.note': null, '$.order.items[0].sku': 'a' } }],
    [{ json: { '$.order.id': { type: 'string', matches: '^secret-\\d$' }, '$.order.total': { 'at-least': 12, 'at-most': 13 } } }],
    [{ json: { '$.order.gone': { exists: false }, '$.order.items': { type: 'array', equals: [{ sku: 'a' }] } } }],
  ])('%j are met', (expectation) => {
    expect(unmet(expectation)).toEqual([]);
  });

  test.each([
    [{ status: 201 }, 'status 200 instead of 201'],
    [{ status: [201, 202] }, 'status 200 instead of 201 or 202'],
    [{ headers: { 'content-type': 'text/html' } }, 'header content-type does not contain the expected text'],
    [{ headers: { 'x-none': '' } }, 'header x-none is missing'],
    [{ 'body-contains': 'absent' }, 'the body does not contain the expected text'],
    [{ 'max-milliseconds': 100 }, 'took 120 ms, more than 100 ms'],
    [{ json: { '$.order.id': 'other' } }, '$.order.id is another string than expected'],
    [{ json: { '$.order.id': 7 } }, '$.order.id is a string instead of a number'],
    [{ json: { '$.order.none': 7 } }, '$.order.none is missing'],
    [{ json: { '$.order.none': { type: 'string' } } }, '$.order.none is missing'],
    [{ json: { '$.order.items': { type: 'object' } } }, '$.order.items is an array instead of an object'],
    [{ json: { '$.order.note': { type: 'string' } } }, '$.order.note is null instead of a string'],
    [{ json: { '$.order.id': { exists: false } } }, '$.order.id is there, though it should not be'],
    [{ json: { '$.order.id': { matches: '^x' } } }, '$.order.id does not match ^x'],
    [{ json: { '$.order.total': { 'at-least': 13 } } }, '$.order.total is not at least 13'],
    [{ json: { '$.order.total': { 'at-most': 12 } } }, '$.order.total is not at most 12'],
    [{ json: { '$.order.id': { equals: null } } }, '$.order.id is a string instead of null'],
  ])('%j are not met', (expectation, problem) => {
    expect(unmet(expectation)).toEqual([problem]);
  });

  test('name every problem, and none quotes what was found', () => {
    const problems = unmet({ status: 500, json: { '$.order.id': 'x', '$.order.total': 1 } });
    expect(problems).toHaveLength(3);
    expect(problems.join()).not.toMatch(/secret-7|12\.5/);
  });

  test('want any 2xx when no status is named', () => {
    expect(unmet({}, { ...answer, status: 304 })).toEqual(['status 304 instead of 2xx']);
  });

  test('say once that the body is not JSON', () => {
    expect(unmet({ json: { '$.a': 1, '$.b': 2 } }, { ...answer, body: '<html>' })).toEqual(['the body is not JSON']);
  });
});

describe('captureValues', () => {
  const capture = (captures: unknown) => captureValues(stepWith({ capture: captures }).capture, answer);

  test('takes values from body and headers, each with its type', () => {
    const { values, missing } = capture({ id: '$.order.id', total: '$.order.total', next: { header: 'Location' } });
    expect(Object.fromEntries(values)).toEqual({ id: 'secret-7', total: 12.5, next: '/orders/7' });
    expect(missing).toEqual([]);
  });

  test('names what the answer does not hold; null is nothing', () => {
    expect(capture({ a: '$.order.none', b: '$.order.note', c: { header: 'x-none' } }).missing).toEqual(['a', 'b', 'c']);
  });
});
