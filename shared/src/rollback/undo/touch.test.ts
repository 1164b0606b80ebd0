import { describe, expect, test } from '@jest/globals';
import { BSON, type Document } from 'mongodb';
import { asBuffer } from '../../mongo/raw-bson.ts';
import { unknownState, wantedDocument, type Touch } from './touch.ts';
import type { ConflictChoice } from './contract.ts';

const raw = (document: Document): Buffer => asBuffer(BSON.serialize(document));

interface Given {
  readonly before?: Document;
  readonly set?: Document;
  readonly removed?: readonly string[];
  readonly after?: Document;
}

function touch(by: Touch['by'], kind: Touch['kind'], { before, set, removed = [], after }: Given = {}): Touch {
  const update = raw({ updatedFields: set ?? {}, removedFields: removed, truncatedArrays: [] });
  return {
    by,
    kind,
    fields: kind === 'update' ? [...Object.keys(set ?? {}), ...removed] : kind === 'replace' ? ['a', 'b'] : undefined,
    before: () => (before === undefined ? 'missing' : raw(before)),
    after: () => (kind === 'update' ? update : after === undefined ? undefined : raw(after)),
  };
}

function wanted(
  touches: readonly Touch[],
  choice: ConflictChoice = 'fail',
): { readonly document: Document | undefined; readonly conflict?: string } {
  const found = wantedDocument(touches, choice, () => unknownState);
  if (found === undefined || found === unknownState) throw new Error('nothing is wanted');
  return { ...found, document: found.document === undefined ? undefined : BSON.deserialize(found.document) };
}

const base = { _id: 1, a: 1, b: 1 };
const changed = touch('migration', 'update', { before: base, set: { a: 2 } });

describe('a document that only the migration wrote', () => {
  test('is what it was before the first write', () => {
    expect(wanted([changed, touch('migration', 'delete', { before: { ...base, a: 2 } })])).toEqual({ document: base });
  });

  test('is not there when the migration inserted it', () => {
    expect(wanted([touch('migration', 'insert', { after: base }), changed])).toEqual({ document: undefined });
  });
});

describe('a document that both wrote', () => {
  test('keeps other fields of others, whenever they were written', () => {
    const others = touch('others', 'update', { before: { ...base, a: 2 }, set: { c: 3 }, removed: ['b'] });
    expect(wanted([changed, others, changed])).toEqual({ document: { _id: 1, a: 1, c: 3 } });
  });

  test('keeps what others replaced beside the fields of the migration', () => {
    const others = touch('others', 'replace', { before: { ...base, a: 2 }, after: { _id: 1, a: 2, b: 5 } });
    expect(wanted([changed, others])).toEqual({ document: { _id: 1, a: 1, b: 5 } });
  });

  test('stays deleted when others deleted it', () => {
    expect(wanted([changed, touch('others', 'delete', { before: base })])).toEqual({ document: undefined });
  });

  test.each([
    ['fail', { _id: 1, a: 1, b: 9 }],
    ['revert', { _id: 1, a: 1, b: 9 }],
    ['keep', { _id: 1, a: 7, b: 9 }],
  ] as const)('the same field is a conflict: %s', (choice, document) => {
    const others = touch('others', 'update', { before: { ...base, a: 2 }, set: { a: 7, b: 9 } });
    expect(wanted([changed, others], choice)).toEqual({ document, conflict: expect.stringContaining('same field') });
  });

  test.each([
    ['keep', { _id: 1, own: 2 }],
    ['revert', undefined],
  ] as const)('a document of the migration that others changed is a conflict: %s', (choice, document) => {
    const others = touch('others', 'update', { before: { _id: 1 }, set: { own: 2 } });
    expect(wanted([touch('migration', 'insert', { after: { _id: 1 } }), others], choice)).toEqual({
      document,
      conflict: 'the migration inserted it, and somebody changed it',
    });
  });

  test.each([
    ['keep', { _id: 1, other: 1 }],
    ['revert', base],
  ] as const)('an _id that others took after the migration had deleted it is a conflict: %s', (choice, document) => {
    const others = touch('others', 'insert', { after: { _id: 1, other: 1 } });
    const found = wanted([touch('migration', 'delete', { before: base }), others], choice);
    expect(found).toEqual({ document, conflict: expect.stringContaining('same _id') });
  });

  test.each([
    ['keep', { _id: 1, a: 5, b: 1 }],
    ['revert', base],
  ] as const)('a write that may be either side’s is a conflict: %s', (choice, document) => {
    const either = touch('ambiguous', 'update', { before: { ...base, a: 2 }, set: { a: 5 } });
    expect(wanted([changed, either], choice)).toEqual({ document, conflict: expect.any(String) });
  });
});

test('a document that only others wrote is not looked at', () => {
  expect(wantedDocument([touch('others', 'update', { before: base, set: { a: 2 } })], 'fail', () => unknownState)).toBeUndefined();
});

test('what the server did not keep is taken from elsewhere, and what others wrote before is made again', () => {
  const touches = [touch('others', 'update', { set: { b: 4 } }), touch('migration', 'update', { set: { a: 3 } })];
  const found = wantedDocument(touches, 'fail', () => raw(base));
  expect(found).not.toBe(unknownState);
  expect(BSON.deserialize((found as { document: Buffer }).document)).toEqual({ ...base, b: 4 });
  expect(wantedDocument(touches, 'fail', () => unknownState)).toBe(unknownState);
});

test('a document that the migration may not have written at all stays as it is with keep', () => {
  const either = touch('ambiguous', 'update', { before: base, set: { a: 5 } });
  expect(wanted([either], 'keep')).toEqual({ document: undefined, leave: true, conflict: expect.any(String) });
  expect(wanted([either], 'revert')).toEqual({ document: base, conflict: expect.any(String) });
});
