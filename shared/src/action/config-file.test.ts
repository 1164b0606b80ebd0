import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { readConfigFile, type ConfigFile } from './config-file.ts';
import { choice, list, secret } from './inputs.ts';
import { commonInputs } from './spec.ts';

const inputs = {
  ...commonInputs,
  compression: choice('Codec.', ['zstd', 'gzip']).or('zstd'),
  include: list('Patterns.'),
  'decrypt-key': secret('Key.'),
};
const settings = z.strictObject({
  checks: z.array(z.strictObject({ collection: z.string(), tolerance: z.number().default(0.1) })).default([]),
});

describe('readConfigFile', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'config-'));
  });

  afterAll(() => rm(folder, { recursive: true }));

  async function read(text: string): Promise<ConfigFile> {
    const file = path.join(folder, 'guard.yml');
    await writeFile(file, text);
    return readConfigFile({ file, shownAs: 'guard.yml', section: 'backup', inputs, settings });
  }

  test('separates plain inputs from structured settings and fills in defaults', async () => {
    const config = await read('database: shop\nbackup:\n  compression: gzip\n  include: [a, b]\n  checks:\n    - collection: orders\n');
    expect(config.problems).toEqual([]);
    expect([...config.raw].map(([name, { text }]) => [name, text])).toEqual([
      ['database', 'shop'],
      ['compression', 'gzip'],
      ['include', '["a","b"]'],
    ]);
    expect(config.settings).toEqual({ checks: [{ collection: 'orders', tolerance: 0.1 }] });
  });

  test.each([
    ['an unknown section', 'bakcup: {}\n', 'bakcup is not a known setting (did you mean backup?)', 1, 1],
    ['an unknown setting', 'backup:\n  compresion: gzip\n', 'backup.compresion is not a known setting (did you mean compression?)', 2, 3],
    [
      'an unknown key deep inside',
      'backup:\n  checks:\n    - collection: a\n      tolerence: 1\n',
      'backup.checks.0.tolerence is not a known setting',
      4,
      7,
    ],
    [
      'a wrong type',
      'backup:\n  checks:\n    - collection: 7\n',
      'checks.0.collection Invalid input: expected string, received number',
      3,
      7,
    ],
    ['a secret', 'backup:\n  decrypt-key: x\n', 'decrypt-key is a secret: give it as an input, never in a file', 2, 3],
    ['a section that is no map', 'backup: yes please\n', 'backup expected settings by name', 1, 1],
  ])('names line and column of %s', async (_what, text, message, line, column) => {
    const { problems } = await read(text);
    expect(problems.map((problem) => `${problem.subject} ${problem.message}`)).toEqual([message]);
    expect(problems[0]?.place).toEqual({ file: 'guard.yml', line, column });
  });

  test('refuses what is not YAML with its place', async () => {
    await expect(read('backup:\n  - a\n b: [\n')).rejects.toMatchObject({ code: 'config/invalid', place: { file: 'guard.yml', line: 3 } });
    await expect(read('just text\n')).rejects.toMatchObject({ code: 'config/invalid' });
  });

  test('says that a file is not there', async () => {
    const missing = readConfigFile({ file: path.join(folder, 'no.yml'), shownAs: 'no.yml', section: 'backup', inputs, settings });
    await expect(missing).rejects.toMatchObject({ code: 'config/not-found', message: 'The configuration file no.yml cannot be read.' });
  });
});
