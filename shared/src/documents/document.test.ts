import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { defineDocument } from './document.ts';

const note = defineDocument('note', 2, z.object({ version: z.literal(2), text: z.string() }));

describe('a versioned document', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'document-'));
  });

  afterAll(() => rm(folder, { recursive: true }));

  test('comes back as written, and leaves no partial file', async () => {
    const file = path.join(folder, 'deep', 'note.json');
    await note.write(file, { version: 2, text: 'hello' });
    expect(await note.read(file)).toEqual({ version: 2, text: 'hello' });
    expect(await readdir(path.dirname(file))).toEqual(['note.json']);
  });

  test('of a newer release is refused', () => {
    expect(() => note.parse({ version: 3, text: 'x' }, 'note.json')).toThrow(expect.objectContaining({ code: 'document/too-new' }));
  });

  test('that is not one is refused with the field that is wrong', async () => {
    expect(() => note.parse({ version: 2 }, 'note.json')).toThrow(/note note\.json is not valid: text:/);
    await writeFile(path.join(folder, 'broken.json'), '{');
    await expect(note.read(path.join(folder, 'broken.json'))).rejects.toMatchObject({ code: 'document/invalid' });
    await expect(note.read(path.join(folder, 'nowhere.json'))).rejects.toMatchObject({ code: 'document/not-found' });
  });
});
