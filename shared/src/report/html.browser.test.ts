import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { domOf } from '../testing/browser.ts';
import { startHttpService, type HttpService } from '../testing/http-service.ts';
import { sampleNames, sampleReport, spoiled } from '../testing/run-reports.ts';
import { renderPage } from './html.ts';

interface Look {
  readonly name: string;
  readonly width: number;
  readonly ground: string;
  readonly overflow: number;
  /** Texts below the contrast that WCAG 2.2 AA asks for (4.5 : 1). */
  readonly faint: readonly string[];
  readonly headings: readonly number[];
  readonly links: readonly string[];
  readonly looseHeaders: number;
  readonly foreign: number;
}

/** Runs in the browser: opens each page in a frame of each width and looks at what a reader would see. */
function look(names: readonly string[], widths: readonly number[]): string {
  return `<!doctype html><meta charset="utf-8"><body><script>
const luminance = (rgb) => {
  const [r, g, b] = rgb.map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const numbers = (color) => color.match(/[\\d.]+/g).map(Number);
const groundOf = (element) => {
  for (let at = element; at !== null; at = at.parentElement) {
    const ground = numbers(getComputedStyle(at).backgroundColor);
    if (ground.length === 3 || ground[3] === 1) return ground.slice(0, 3);
  }
  return [255, 255, 255];
};
const contrast = (a, b) => {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
};
const look = (name, width, page) => {
  for (const details of page.querySelectorAll('details')) details.open = true;
  const texts = [...page.body.querySelectorAll('*')].filter((element) =>
    [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== ''));
  const faint = texts.filter((element) => contrast(numbers(getComputedStyle(element).color).slice(0, 3), groundOf(element)) < 4.5);
  return {
    name, width,
    ground: getComputedStyle(page.body).backgroundColor,
    overflow: page.documentElement.scrollWidth - width,
    faint: faint.map((element) => element.textContent),
    headings: [...page.querySelectorAll('h1,h2,h3,h4')].map((heading) => Number(heading.tagName[1])),
    links: [...page.querySelectorAll('a')].map((link) => link.getAttribute('href')).filter((href) => !href.startsWith('#') || page.querySelector(href) === null),
    looseHeaders: page.querySelectorAll('th:not([scope])').length,
    foreign: page.querySelectorAll('script,img,iframe,x-hostile').length,
  };
};
const open = (name, width) => new Promise((resolve) => {
  const frame = document.createElement('iframe');
  frame.style.cssText = 'border:0;height:600px;width:' + width + 'px';
  frame.onload = () => resolve(look(name, width, frame.contentDocument));
  frame.src = '/' + name;
  document.body.append(frame);
});
const all = ${JSON.stringify(names)}.flatMap((name) => ${JSON.stringify(widths)}.map((width) => open(name, width)));
Promise.all(all).then((looks) => {
  document.body.textContent = 'LOOKS' + encodeURIComponent(JSON.stringify(looks)) + 'END';
});
</script>`;
}

describe.each([{ dark: false }, { dark: true }])('the page in a browser, dark: $dark', ({ dark }) => {
  const names = [...sampleNames, 'hostile'];
  let service: HttpService;
  let looks: readonly Look[];

  beforeAll(async () => {
    const reports = await Promise.all(sampleNames.map((name) => sampleReport(name)));
    const pages = new Map(reports.map((report, index) => [`/${names[index]}`, renderPage(report)]));
    pages.set('/hostile', renderPage(spoiled(await sampleReport('rolled-back'))));
    pages.set('/', look(names, [360, 1_000]));
    service = await startHttpService(({ url }, response) => {
      response.writeHead(pages.has(url) ? 200 : 404, { 'content-type': 'text/html; charset=utf-8' }).end(pages.get(url));
    });
    const seen = /LOOKS(.*)END/.exec(await domOf(`${service.url}/`, { dark }))?.[1];
    if (seen === undefined) throw new Error('The browser did not look at the pages.');
    looks = JSON.parse(decodeURIComponent(seen)) as Look[];
  });

  afterAll(async () => {
    await service[Symbol.asyncDispose]();
  });

  test('asks for nothing but itself', () => {
    expect(looks).toHaveLength(names.length * 2);
    const pages = new Set(['/', '/favicon.ico', ...names.map((name) => `/${name}`)]);
    expect(service.received.map(({ url }) => url).filter((url) => !pages.has(url))).toEqual([]);
  });

  test('follows the colour scheme, and everything can be read', () => {
    expect(new Set(looks.map(({ ground }) => ground))).toEqual(new Set([dark ? 'rgb(13, 17, 23)' : 'rgb(246, 248, 250)']));
    expect(looks.flatMap(({ faint }) => faint)).toEqual([]);
  });

  test('fits on a phone and on a desk', () => {
    expect(looks.filter(({ overflow }) => overflow > 0)).toEqual([]);
  });

  test('has one title, headings without gaps, tables with headers, and links that lead somewhere', () => {
    for (const { headings, links, looseHeaders } of looks) {
      expect(headings.filter((level) => level === 1)).toHaveLength(1);
      expect(headings.filter((level, index) => level > (headings[index - 1] ?? 0) + 1)).toEqual([]);
      expect(links).toEqual([expect.stringMatching(/^https:\/\/github\.com\//)]);
      expect(looseHeaders).toBe(0);
    }
  });

  test('holds no element that a report brought in', () => {
    expect(looks.filter(({ foreign }) => foreign > 0)).toEqual([]);
  });
});
