import { describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { EOL, tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { annotationOf, fileEntry, workflowCommand } from './workflow-command.ts';

const nasty = ['', 'plain', '100%', 'a\r\nb\nc', '%0A is not a newline', '::error::no', 'a:b,c=d', 'ü 🙂', '  blanks  '];

/** What @actions/core writes to standard output when it does this. */
async function saidByCore(script: string, env: Readonly<Record<string, string>> = {}): Promise<string> {
  const program = `import * as core from '@actions/core'; const nasty = ${JSON.stringify(nasty)}; ${script}`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], { cwd: import.meta.dirname, env });
  return stdout;
}

describe('commands to the runner are those of @actions/core', () => {
  test('messages', async () => {
    const expected = await saidByCore('for (const text of nasty) { core.debug(text); core.setSecret(text); core.warning(text); }');
    const ours = nasty.flatMap((text) => ['debug', 'add-mask', 'warning'].map((name) => workflowCommand(name, text)));
    expect(ours.join('')).toBe(expected);
  });

  test('annotations at places, whole or in part', async () => {
    const expected = await saidByCore(
      `for (const file of nasty) {
        core.error('e', { file, startLine: 3, startColumn: 4 });
        core.notice('n', { file, startLine: 3 });
        core.warning('w', { file });
      }
      core.error('nowhere');`,
    );
    const ours = nasty.flatMap((file) => [
      workflowCommand('error', 'e', annotationOf({ file, line: 3, column: 4 })),
      workflowCommand('notice', 'n', annotationOf({ file, line: 3 })),
      workflowCommand('warning', 'w', annotationOf({ file })),
    ]);
    expect([...ours, workflowCommand('error', 'nowhere', annotationOf(undefined))].join('')).toBe(expected);
  });

  test('outputs and states where there are no files for them', async () => {
    const expected = await saidByCore('for (const text of nasty) { core.saveState(text, text); core.setOutput(text, text); }');
    const ours = nasty.flatMap((text) => [
      workflowCommand('save-state', text, { name: text }),
      // @actions/core puts an empty line before this one.
      `${EOL}${workflowCommand('set-output', text, { name: text })}`,
    ]);
    expect(ours.join('')).toBe(expected);
  });

  test('entries of runner files', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'runner-files-'));
    try {
      const file = path.join(folder, 'output');
      await writeFile(file, '');
      await saidByCore(`for (const text of nasty) core.setOutput('name', text);`, { GITHUB_OUTPUT: file });
      const written = await readFile(file, 'utf8');
      const delimiters = [...written.matchAll(/<<(ghadelimiter_[0-9a-f-]{36})/g)].map(([, delimiter = '']) => delimiter);
      expect(nasty.map((text, index) => fileEntry('name', text, delimiters[index] ?? '')).join('')).toBe(written);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
