import { expect } from '@jest/globals';
import { readFile, writeFile } from 'node:fs/promises';

/** Compares a text with the reviewed one in `file`. UPDATE_GOLDEN=1 writes the file instead, to be reviewed as a diff. */
export async function expectGolden(file: string, text: string): Promise<void> {
  if (process.env['UPDATE_GOLDEN'] === '1') await writeFile(file, text);
  expect(text).toBe(await readFile(file, 'utf8'));
}
