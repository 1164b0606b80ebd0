import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { BSON, ObjectId, type Document } from 'mongodb';
import { keyHash, keyHashLength } from '../write-command.ts';
import { hashKeys } from './key-hashes.ts';

const serialize = (document: Document): Uint8Array => BSON.serialize(document);

test('a hash stands for the type and the value of each `_id`, in their order', () => {
  const id = new ObjectId();
  const hashes = hashKeys([5, id, 'a'], serialize)();
  const keys = [Buffer.from([0x10, 5, 0, 0, 0]), Buffer.concat([Buffer.from([0x07]), id.id]), Buffer.from('\x02\x02\0\0\0a\0')];
  expect(Buffer.from(hashes ?? [])).toEqual(Buffer.concat(keys.map(keyHash)));
  expect(hashes).toHaveLength(3 * keyHashLength);
});

test('an `_id` that can change is hashed before it does, another one when its command is on its way', async () => {
  const changing = { a: 1 };
  const hashed: unknown[] = [];
  const noting = (document: Document): Uint8Array => {
    hashed.push(document['_id']);
    return serialize(document);
  };
  const told = hashKeys([changing], noting);
  changing.a = 2;
  expect(told()).toEqual(hashKeys([{ a: 1 }], serialize)());
  hashed.length = 0;

  const later = hashKeys([1, 2], noting);
  expect(hashed).toEqual([]);
  await nextTurn();
  expect(hashed).toEqual([1, 2]);
  later();
  expect(hashed).toEqual([1, 2]);
});

test('what the driver cannot serialize is told as not known', () => {
  const foreign = (): Uint8Array => {
    throw new BSON.BSONError('Unsupported BSON version');
  };
  expect(hashKeys([new ObjectId()], foreign)()).toBeUndefined();
});
