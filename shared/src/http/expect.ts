import { isDeepStrictEqual } from 'node:util';
import type { Answer } from './request.ts';
import { parseJsonPath, valueAt } from './json-path.ts';
import type { Expectation, Matcher } from './step.ts';
import { renderJson, renderText, type Lookup } from './template.ts';

/** What `answer` lacks of the expectation, one sentence each. Pure; what was found is described, never quoted. */
export function unmetExpectations(expectation: Expectation, answer: Answer, lookup: Lookup): readonly string[] {
  return [
    ...unmetStatus(expectation.status, answer.status),
    ...unmetTime(expectation['max-milliseconds'], answer.milliseconds),
    ...unmetHeaders(expectation.headers, answer.headers, lookup),
    ...unmetBody(expectation['body-contains'], answer.body, lookup),
    ...unmetJson(expectation.json, answer.body, lookup),
  ];
}

/** The JSON value of a body, `undefined` when it is not JSON. */
export function jsonOf(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return undefined;
  }
}

/** Whether `status` is what is expected; without an expectation any 2xx is. */
export function isExpectedStatus(expected: Expectation['status'], status: number): boolean {
  return expected === undefined ? status >= 200 && status < 300 : [expected].flat().includes(status);
}

function unmetStatus(expected: Expectation['status'], status: number): string[] {
  if (isExpectedStatus(expected, status)) return [];
  return [`status ${status} instead of ${expected === undefined ? '2xx' : [expected].flat().join(' or ')}`];
}

function unmetTime(most: number | undefined, milliseconds: number): string[] {
  return most === undefined || milliseconds <= most ? [] : [`took ${Math.round(milliseconds)} ms, more than ${most} ms`];
}

function unmetHeaders(expected: Expectation['headers'], headers: Headers, lookup: Lookup): string[] {
  return Object.entries(expected).flatMap(([name, text]) => {
    const found = headers.get(name);
    if (found === null) return [`header ${name} is missing`];
    return found.includes(renderText(text, lookup)) ? [] : [`header ${name} does not contain the expected text`];
  });
}

function unmetBody(expected: string | undefined, body: string, lookup: Lookup): string[] {
  return expected === undefined || body.includes(renderText(expected, lookup)) ? [] : ['the body does not contain the expected text'];
}

function unmetJson(expected: Expectation['json'], body: string, lookup: Lookup): string[] {
  const entries = Object.entries(expected);
  if (entries.length === 0) return [];
  const value = jsonOf(body);
  if (value === undefined) return ['the body is not JSON'];
  return entries.flatMap(([path, matcher]) => {
    const problem = mismatch(matcher, valueAt(value, parseJsonPath(path) ?? []), lookup);
    return problem === undefined ? [] : [`${path} ${problem}`];
  });
}

function mismatch(matcher: Matcher, found: unknown, lookup: Lookup): string | undefined {
  if (typeof matcher !== 'object' || matcher === null) return unequal(matcher, found, lookup);
  const { type, exists, matches, 'at-least': least, 'at-most': most } = matcher;
  if (exists === false) return found === undefined ? undefined : 'is there, though it should not be';
  if (found === undefined) return 'is missing';
  if (type !== undefined && typeName(found) !== type) return `is ${article(found)} instead of ${withArticle(type)}`;
  if (matches !== undefined && !(typeof found === 'string' && new RegExp(matches, 'u').test(found))) return `does not match ${matches}`;
  if (least !== undefined && !(typeof found === 'number' && found >= least)) return `is not at least ${least}`;
  if (most !== undefined && !(typeof found === 'number' && found <= most)) return `is not at most ${most}`;
  return matcher.equals === undefined ? undefined : unequal(matcher.equals, found, lookup);
}

function unequal(expected: unknown, found: unknown, lookup: Lookup): string | undefined {
  const wanted = renderJson(expected, lookup);
  if (isDeepStrictEqual(wanted, found)) return undefined;
  if (found === undefined) return 'is missing';
  const sameType = typeName(wanted) === typeName(found);
  return sameType ? `is another ${typeName(found)} than expected` : `is ${article(found)} instead of ${article(wanted)}`;
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

function article(value: unknown): string {
  return withArticle(typeName(value));
}

function withArticle(type: string): string {
  if (type === 'null') return type;
  return `${/^[aeiou]/.test(type) ? 'an' : 'a'} ${type}`;
}
