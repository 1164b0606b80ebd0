import { expect, test } from '@jest/globals';
import { html } from './markup.ts';

test('texts are escaped, HTML is kept, lists are joined, undefined is nothing', () => {
  const item = html`<li>${'<b>'}</li>`;
  expect(html`<p title="${`"'&`}">${[item, item]}${undefined}${7}</p>`.markup).toBe(
    '<p title="&quot;&#39;&amp;"><li>&lt;b&gt;</li><li>&lt;b&gt;</li>7</p>',
  );
});

test('characters that cannot be seen or turn the text around are shown as unknown', () => {
  expect(html`${'a\u0000b\u202Ec'}`.markup).toBe('a\uFFFDb\uFFFDc');
});
