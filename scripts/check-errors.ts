import { codes } from '@migration-guard/shared/errors/codes';
import { readTracked, trackedFiles } from './tracked-files.ts';

/** Every error code is thrown by our code, provoked by a test, and told in docs/errors.md. */
export function check(): readonly string[] {
  const texts = (pattern: RegExp, exclude: RegExp): string =>
    trackedFiles(pattern)
      .filter((file) => !exclude.test(file))
      .map(readTracked)
      .join('\n');
  const sources = texts(/^(shared\/src|action-[^/]+)\/.*\.ts$/, /\.test\.ts$|\/errors\/codes\.ts$|\/test\//);
  // In regular expressions the slash is escaped.
  const tests = texts(/\.test\.ts$|\/test\//, /^scripts\//).replaceAll(String.raw`\/`, '/');
  const page = readTracked('docs/errors.md');
  return Object.keys(codes).flatMap((code) => [
    ...(sources.includes(`'${code}'`) ? [] : [`${code} is thrown nowhere`]),
    ...(tests.includes(code) ? [] : [`${code} is provoked by no test`]),
    ...(page.includes(`\`${code}\``) ? [] : [`${code} is not in docs/errors.md`]),
  ]);
}
