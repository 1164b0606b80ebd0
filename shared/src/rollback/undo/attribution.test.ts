import { describe, expect, test } from '@jest/globals';
import { keyHash, type WriteCommand } from '../../migration/write-command.ts';
import { timeOfText } from '../../timing/cluster-time.ts';
import { Attribution, type AttributionInput } from './attribution.ts';
import type { ChangeEvent } from './event.ts';

const key = (id: number): Buffer => Buffer.from([0x10, id, 0, 0, 0]);

function event(time: string, more: Partial<ChangeEvent> = {}): ChangeEvent {
  return {
    kind: 'update',
    time: timeOfText(time),
    collection: 'things',
    uuid: 'u',
    key: key(1),
    before: undefined,
    after: undefined,
    update: undefined,
    definition: undefined,
    to: undefined,
    session: undefined,
    ...more,
  };
}

const command: WriteCommand = {
  collection: 'things',
  kind: 'update',
  after: '1.0',
  until: '2.0',
  documents: 2,
  fields: ['a'],
  session: 'own',
};

function attribution(commands: readonly WriteCommand[], more: Partial<AttributionInput> = {}): Attribution {
  return new Attribution({ commands, windows: [], undoSessions: new Set(), records: new Set(['changelog']), ...more });
}

describe('exact', () => {
  test.each([
    ['before the command', event('1.0'), ['a']],
    ['after the command', event('2.1'), ['a']],
    ['in another collection', event('1.5', { collection: 'other' }), ['a']],
    ['in another field', event('1.5'), ['b']],
    ['of another kind', event('1.5', { kind: 'delete' }), undefined],
    ['in a transaction of somebody', event('1.5', { session: 'theirs' }), ['a']],
  ])('a write %s is of others', (_what, written, fields) => {
    expect(attribution([command]).claim(written, fields)).toBe('others');
  });

  test('as many writes as the server confirmed are all of the migration', () => {
    const made = attribution([command]);
    const claims = ['1.1', '1.2'].map((time) => made.claim(event(time), ['a.b']));
    expect(made.undecided()).toEqual([]);
    const author = made.decide();
    expect(claims.map((claim) => author(claim, 0n))).toEqual(['migration', 'migration']);
  });

  test('a document that the command does not name is of others', () => {
    const keys = keyHash(key(1)).toString('base64');
    const made = attribution([{ ...command, keys, documents: 1 }]);
    expect(made.claim(event('1.5', { key: key(2) }), ['a'])).toBe('others');
    expect(made.claim(event('1.6'), ['a'])).not.toBe('others');
  });

  test('transactions, the undo itself and the history of migrations are known', () => {
    const made = attribution([{ ...command, transaction: true }], { undoSessions: new Set(['undo']) });
    expect(made.claim(event('9.0', { session: 'own' }), ['z'])).toBe('migration');
    expect(made.claim(event('9.1', { session: 'undo' }), ['z'])).toBe('undo');
    expect(made.claim(event('9.2', { collection: 'changelog', kind: 'insert' }), undefined)).toBe('migration');
  });

  test('an answer replaces the command that was told without one', () => {
    const { until: _until, documents: _documents, ...open } = command;
    const made = attribution([
      { ...open, unanswered: 1 },
      { ...command, answers: 1 },
    ]);
    expect(made.claim(event('2.1'), ['a'])).toBe('others');
  });
});

describe('more writes than were confirmed', () => {
  const times = ['1.1', '1.2', '1.3'];

  test('are told apart by the sessions in the oplog: one update of many documents has none', () => {
    const made = attribution([command]);
    const claims = times.map((time) => made.claim(event(time), ['a']));
    expect(made.undecided()).toEqual(times.map(timeOfText));
    const author = made.decide((time) => (time === timeOfText('1.2') ? 'theirs' : undefined));
    expect(claims.map((claim, index) => author(claim, timeOfText(times[index] ?? '')))).toEqual(['migration', 'others', 'migration']);
  });

  test('are ambiguous when sessions cannot be read', () => {
    const made = attribution([command]);
    const claims = times.map((time) => made.claim(event(time), ['a']));
    const author = made.decide();
    expect(claims.map((claim) => author(claim, 0n))).toEqual(['ambiguous', 'ambiguous', 'ambiguous']);
  });
});

test('a command of which the server tells how many it wrote at most has written as many where sessions cannot be read', () => {
  const { documents: _documents, ...uncounted } = command;
  const claimed = (times: readonly string[]): readonly string[] => {
    const made = attribution([
      { ...uncounted, atMost: 1 },
      { ...uncounted, until: '1.5', documents: 1 },
    ]);
    const claims = times.map((time) => made.claim(event(time), ['a']));
    const author = made.decide();
    return claims.map((claim) => author(claim, 0n));
  };
  expect(claimed(['1.1', '1.2'])).toEqual(['migration', 'migration']);
  expect(claimed(['1.1', '1.2', '1.3'])).toEqual(['ambiguous', 'ambiguous', 'ambiguous']);
});

describe('a command that was cut off', () => {
  const { until: _until, documents: _documents, ...open } = command;

  test('has made the writes without a session that nobody else makes', () => {
    const made = attribution([open]);
    const claim = made.claim(event('5.0'), ['a']);
    expect(made.decide(() => undefined)(claim, 0n)).toBe('migration');
    expect(made.decide(() => 'own')(claim, timeOfText('5.0'))).toBe('migration');
    expect(made.decide(() => 'theirs')(claim, timeOfText('5.0'))).toBe('others');
  });

  test('is ambiguous when sessions cannot be read', () => {
    const made = attribution([open]);
    const claim = made.claim(event('5.0'), ['a']);
    expect(made.decide()(claim, 0n)).toBe('ambiguous');
  });

  test('is ambiguous where others write the same', () => {
    const made = attribution([open]);
    expect(made.claim(event('0.5'), ['a'])).toBe('others');
    const claim = made.claim(event('5.0'), ['a']);
    expect(made.decide(() => undefined)(claim, 0n)).toBe('ambiguous');
  });

  test('counts as any command while nothing was recorded', () => {
    const made = attribution([], { windows: [{ after: timeOfText('3.0'), until: timeOfText('4.0') }] });
    expect(made.claim(event('2.0'), ['b'])).toBe('others');
    expect(made.definedBy(event('3.5', { kind: 'createIndexes' }))).toBe('migration');
    expect(made.definedBy(event('4.5', { kind: 'createIndexes' }))).toBe('others');
    const claim = made.claim(event('3.5'), ['a']);
    expect(made.decide(() => undefined)(claim, 0n)).toBe('migration');
  });

  test('is of the migrations when it makes the collection of their records', () => {
    const made = attribution([], { records: new Set(['changelog']) });
    expect(made.definedBy(event('2.0', { kind: 'create', collection: 'changelog' }))).toBe('migration');
    expect(made.definedBy(event('2.0', { kind: 'create' }))).toBe('others');
  });
});
