import { describe, expect, test } from '@jest/globals';
import { namesIn, namesInJson, renderJson, renderText } from './template.ts';

const values: Readonly<Record<string, unknown>> = { token: 'abc', count: 3, path: 'a/b', item: { sku: 'x' } };
const lookup = (name: string): unknown => values[name];

describe('templates', () => {
  test('name what they need', () => {
    expect(namesIn('Bearer {{token}} {{ count }}')).toEqual(['token', 'count']);
    expect(namesInJson({ a: ['{{token}}', { b: 'x{{count}}' }], c: 1 })).toEqual(['token', 'count']);
  });

  test('leave what is no placeholder alone', () => {
    expect(renderText('{token} {{1x}} {{ a.b }} $', lookup)).toBe('{token} {{1x}} {{ a.b }} $');
  });

  test('put values into texts, encoded where asked', () => {
    expect(renderText('Bearer {{token}}-{{ count }}', lookup)).toBe('Bearer abc-3');
    expect(renderText('/orders/{{path}}', lookup, encodeURIComponent)).toBe('/orders/a%2Fb');
  });

  test('do not replace inside of what was put in', () => {
    expect(renderText('{{a}}', () => '{{token}} $&')).toBe('{{token}} $&');
  });

  test('keep the type of a value that stands alone', () => {
    expect(renderJson({ n: '{{count}}', text: 'n={{count}}', items: ['{{item}}', true, null] }, lookup)).toEqual({
      n: 3,
      text: 'n=3',
      items: [{ sku: 'x' }, true, null],
    });
  });
});
