import { describe, expect, test } from '@jest/globals';
import { BSON, Binary, Decimal128, Double, Int32, Long, ObjectId, Timestamp } from 'mongodb';
import { createMasker, type MaskOptions } from './mask-document.ts';

const key = Buffer.from('a key for tests');

function mask(collection: string, document: object, options: Partial<MaskOptions> = {}): BSON.Document {
  const masker = createMasker({ key, rules: [], detect: true, ...options }, collection);
  const masked = masker.mask(Buffer.from(BSON.serialize(document)));
  return BSON.deserialize(masked, { promoteValues: false, promoteLongs: false });
}

describe('without rules', () => {
  test('what looks personal is replaced by its like', () => {
    const person = {
      _id: new ObjectId(),
      name: 'Anna Schmidt',
      email: 'anna@schmidt.de',
      address: { street: 'Hauptstraße 5', zip: '10115' },
      phones: ['+49 30 1234567'],
      passwordHash: '$2b$10$abcdef',
      birthDate: new Date('1990-05-05'),
      note: 'call anna@schmidt.de in the morning',
      card: '4111 1111 1111 1111',
    };
    const masked = mask('customers', person);
    expect(masked).toMatchObject({ _id: person._id, name: expect.stringMatching(/^[A-Z][a-z]{3} [A-Z][a-z]{6}$/) });
    expect(masked['email']).toMatch(/^[\da-f]{20}@example\.com$/);
    expect(masked['note']).toBe(`call ${masked['email']} in the morning`);
    expect(masked['passwordHash']).toMatch(/^[\da-f]{32}$/);
    expect(masked['address'].zip).toMatch(/^\d{5}$/);
    expect(masked['phones'][0]).toMatch(/^\+\d\d \d\d \d{7}$/);
    expect(masked['birthDate']).toBeInstanceOf(Date);
    const text = JSON.stringify(masked);
    for (const secret of ['Anna', 'Schmidt', 'schmidt', 'Haupt', '10115', '1234567', '$2b$', '1990-05-05', '4111 1111 1111 1111'])
      expect(text).not.toContain(secret);
  });

  test('ordinary data stays, byte by byte', () => {
    const order = {
      _id: 7,
      status: 'paid',
      total: Decimal128.fromString('12.50'),
      lines: [{ sku: 'A-1', title: 'Mail box', quantity: 2, weight: 1.5 }],
      emailSentAt: new Date(),
      emailVerified: true,
      productName: 'Pinboard',
      createdAt: new Timestamp({ t: 1, i: 2 }),
      version: '10.0.1',
    };
    const document = Buffer.from(BSON.serialize(order));
    expect(createMasker({ key, rules: [], detect: true }, 'orders').mask(document)).toBe(document);
    expect(mask('products', { name: 'Pinboard' })).toEqual({ name: 'Pinboard' });
  });

  test('a map by e-mail address does not show them', () => {
    const masked = mask('votes', { byPerson: { 'anna@schmidt.de': 1 }, last: 'anna@schmidt.de' });
    expect(Object.keys(masked['byPerson'])).toEqual([masked['last']]);
  });

  test('detection can be switched off', () => {
    expect(mask('users', { email: 'anna@schmidt.de' }, { detect: false })).toEqual({ email: 'anna@schmidt.de' });
  });
});

describe('rules', () => {
  const all = [{ pattern: '**', method: 'fake' }] as const;

  test.each([
    ['text', 'Größe 42'],
    ['int32', new Int32(-4_711)],
    ['int64', Long.fromString('9007199254740993')],
    ['double', new Double(0.25)],
    ['whole double', new Double(1_234)],
    ['decimal', Decimal128.fromString('-12.50')],
    ['date', new Date('2024-02-29')],
    ['object id', new ObjectId()],
    ['UUID', new Binary(Buffer.alloc(16, 7), 4)],
    ['bytes of subtype 2', new Binary(Buffer.from('some bytes, more than twelve'), 2)],
  ])('fake keeps the type of a %s, and equal values equal', (_type, value) => {
    const type = (document: object): number => Buffer.from(BSON.serialize(document))[4] ?? 0;
    const masked = mask('things', { a: value, b: { c: [value] } }, { rules: all });
    expect(masked['a']).not.toEqual(value);
    expect(type(masked)).toBe(type({ a: value }));
    expect(masked['b'].c).toEqual([masked['a']]);
    expect(mask('others', { z: value }, { rules: all })['z']).toEqual(masked['a']);
  });

  test('different numbers stay different', () => {
    const values = Array.from({ length: 2_000 }, (_, number) => new Int32(number - 1_000));
    const masked = mask('things', { values }, { rules: all })['values'] as Int32[];
    expect(new Set(masked.map(Number)).size).toBe(values.length);
    expect(masked.every((number, index) => Math.sign(Number(number)) === Math.sign(index - 1_000) || Math.abs(index - 1_000) < 10)).toBe(
      true,
    );
  });

  test('null, hash and keep, which also holds off detection', () => {
    const rules = [
      { pattern: 'users.email', method: 'keep' },
      { pattern: 'users.tags', method: 'null' },
      { pattern: 'users.code', method: 'hash' },
    ] as const;
    const masked = mask('users', { email: 'a@b.de', tags: ['x', 1], code: 'short' }, { rules });
    expect(masked).toEqual({ email: 'a@b.de', tags: null, code: expect.stringMatching(/^[\da-f]{32}$/) });
  });
});

test('counts values by path', () => {
  const masker = createMasker({ key, rules: [], detect: true }, 'users');
  for (const email of ['a@b.de', 'c@d.de']) masker.mask(Buffer.from(BSON.serialize({ contacts: [{ email }, { email }] })));
  expect([...masker.counts]).toEqual([['contacts.email', { method: 'fake', values: 4 }]]);
});
