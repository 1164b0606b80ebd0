import { describe, expect, test } from '@jest/globals';
import { interpretCommands } from './workflow-commands.ts';

describe('interpretCommands', () => {
  test('shows annotations with their place and unescapes them', () => {
    const { annotations, log } = interpretCommands('::error file=a.yml,line=3,col=5::one%0Atwo%25\nplain\n::warning::careful');
    expect(annotations).toEqual([
      { level: 'error', message: 'one\ntwo%', file: 'a.yml', line: 3, column: 5 },
      { level: 'warning', message: 'careful' },
    ]);
    expect(log).toBe('Error: one\ntwo%\nplain\nWarning: careful');
  });

  test('hides what was masked, in annotations too, and each line of it', () => {
    const { annotations, log, masks } = interpretCommands('::add-mask::first%0Asecond\nfirst and second\n::error::second');
    expect(masks).toEqual(['first\nsecond', 'first', 'second']);
    expect(log).toBe('*** and ***\nError: ***');
    expect(annotations[0]?.message).toBe('***');
  });

  test('prints commands as text between stop-commands and its token', () => {
    const { annotations, log } = interpretCommands('::stop-commands::t0\n::error::not one\n::t0::\n::notice::one');
    expect(annotations).toEqual([{ level: 'notice', message: 'one' }]);
    expect(log).toBe('::error::not one\nNotice: one');
  });
});
