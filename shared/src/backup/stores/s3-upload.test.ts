import { expect, test } from '@jest/globals';
import { partsAtOnce, partSize } from './s3-upload.ts';

const mebibyte = 2 ** 20;
const gibibyte = 2 ** 30;

test.each([
  [undefined, 16 * mebibyte],
  [0, 16 * mebibyte],
  [1, 8 * mebibyte],
  [62 * gibibyte, 8 * mebibyte],
  [200 * gibibyte, 26 * mebibyte],
  [4_000 * gibibyte, 512 * mebibyte],
])('a file of %p bytes goes in parts of %d bytes', (bytes, expected) => {
  expect(partSize(bytes)).toBe(expected);
});

test.each([
  [8, 2],
  [32, 2],
  [33, 1],
  [512, 1],
])('parts of %d MiB: %d at once', (mebibytes, expected) => {
  expect(partsAtOnce(mebibytes * mebibyte)).toBe(expected);
});

test('no object that S3 can hold needs more than its 10,000 parts', () => {
  for (const bytes of [gibibyte, 48.8 * gibibyte, 500 * gibibyte, 5_000 * gibibyte])
    expect(Math.ceil(bytes / partSize(bytes))).toBeLessThanOrEqual(10_000);
});
