import { expect, test } from '@jest/globals';
import { emptyStatement } from '../../testing/statement.ts';
import type { Statement } from '../observation.ts';
import { derivePrechecks } from './derive.ts';

function statement(command: string, collection: string, definition: object, database = 'shop'): Statement {
  return { ...emptyStatement, command, collection, database, definition: JSON.stringify({ [command]: collection, ...definition }) };
}

const derive = (...statements: Statement[]): readonly object[] => derivePrechecks('1-file.js', 'shop', { statements });
const at = (collection: string): object => ({ file: '1-file.js', collection });

test('a unique index asks for duplicates and for an index in its way', () => {
  const index = { key: { email: 1 }, name: 'email_1', unique: true };
  const text = '{"key":{"email":{"$numberInt":"1"}},"name":"email_1","unique":true}';
  expect(derive(statement('createIndexes', 'users', { indexes: [index] }))).toEqual([
    { kind: 'index-build', ...at('users') },
    { kind: 'index-conflict', ...at('users'), index: text },
    { kind: 'unique', ...at('users'), index: text },
  ]);
});

test('an expiring index asks what would be gone, one that is changed too', () => {
  const made = statement('createIndexes', 'sessions', { indexes: [{ key: { at: 1 }, name: 'at_1', expireAfterSeconds: 60 }] });
  const changed = statement('collMod', 'tokens', { index: { keyPattern: { used: 1 }, expireAfterSeconds: 5 } });
  expect(derive(made, changed)).toEqual([
    { kind: 'index-build', ...at('sessions') },
    expect.objectContaining({ kind: 'index-conflict' }),
    { kind: 'expiry', ...at('sessions'), field: 'at', seconds: 60 },
    { kind: 'index-build', ...at('tokens') },
    { kind: 'expiry', ...at('tokens'), field: 'used', seconds: 5 },
  ]);
});

test('collMod names an index by its name too, or changes the expiry of a whole time series, and can make an index unique', () => {
  const of = (definition: object): readonly object[] => derive(statement('collMod', 'x', definition)).slice(1);
  expect(of({ index: { name: 'at_1', expireAfterSeconds: 5 } })).toEqual([{ kind: 'expiry', ...at('x'), named: 'at_1', seconds: 5 }]);
  expect(of({ expireAfterSeconds: 5 })).toEqual([{ kind: 'expiry', ...at('x'), seconds: 5 }]);
  expect(of({ expireAfterSeconds: 'off' })).toEqual([]);
  expect(of({ index: { keyPattern: { a: 1 }, unique: true } })).toEqual([
    { kind: 'unique', ...at('x'), index: '{"key":{"a":{"$numberInt":"1"}},"unique":true}' },
  ]);
  expect(of({ index: { name: 'a_1', prepareUnique: true } })).toEqual([
    { kind: 'unique', ...at('x'), index: '{"name":"a_1","unique":true}' },
  ]);
});

test('a strict validator asks for documents that do not fit, a lax one does not', () => {
  const validator = { price: { $gt: 0 } };
  const strict = statement('collMod', 'products', { validator });
  const lax = statement('collMod', 'orders', { validator, validationLevel: 'moderate' });
  const telling = statement('collMod', 'orders', { validator, validationAction: 'warn' });
  expect(derive(strict, lax, telling)).toEqual([
    { kind: 'index-build', ...at('products') },
    { kind: 'validator', ...at('products'), validator: '{"price":{"$gt":{"$numberInt":"0"}}}' },
    { kind: 'index-build', ...at('orders') },
  ]);
});

test('what the migration makes itself raises no question, nor does another database', () => {
  const index = { indexes: [{ key: { a: 1 }, name: 'a_1', unique: true }] };
  expect(
    derive(
      statement('create', 'fresh', { capped: true, size: 4096 }),
      statement('createIndexes', 'fresh', index),
      statement('renameCollection', 'shop.fresh', { to: 'shop.renamed' }, 'admin'),
      statement('createIndexes', 'renamed', index),
      statement('createIndexes', 'users', index, 'elsewhere'),
    ),
  ).toEqual([{ kind: 'options-conflict', ...at('fresh'), options: '{"capped":true,"size":{"$numberInt":"4096"}}' }]);
});

test.each(['drop', 'convertToCapped'])('%s asks whether an index is being built', (command) => {
  expect(derive(statement(command, 'users', {}))).toEqual([{ kind: 'index-build', ...at('users') }]);
});

test('a renamed collection is asked about by its name, and then no more', () => {
  const rename = statement('renameCollection', 'shop.users', { to: 'shop.people' }, 'admin');
  const index = statement('createIndexes', 'people', { indexes: [{ key: { a: 1 }, name: 'a_1', unique: true }] });
  expect(derive(rename, index)).toEqual([{ kind: 'index-build', ...at('users') }]);
});

test('a loop that asks the same thing asks once', () => {
  const again = statement('createIndexes', 'users', { indexes: [{ key: { a: 1 }, name: 'a_1' }] });
  expect(derive(again, again)).toHaveLength(2);
});

test('dropped indexes ask whether queries use them: one by name or keys, several, all', () => {
  const dropped = (index: unknown): readonly object[] => derive(statement('dropIndexes', 'users', { index }));
  const use = (index: string): object => ({ kind: 'index-use', ...at('users'), index });
  expect(dropped('a_1')).toEqual([{ kind: 'index-build', ...at('users') }, use('{"name":"a_1"}')]);
  expect(dropped({ a: 1 }).slice(1)).toEqual([use('{"key":{"a":{"$numberInt":"1"}}}')]);
  expect(dropped(['a_1', 'b_1']).slice(1)).toEqual([use('{"name":"a_1"}'), use('{"name":"b_1"}')]);
  expect(dropped('*').slice(1)).toEqual([use('{"name":"*"}')]);
});

test('an index that is built again with other options, or of a collection that is made there, is not asked about', () => {
  const index = { key: { a: 1 }, name: 'a_1', unique: true };
  const again = statement('createIndexes', 'users', { indexes: [index] });
  const kinds = (...statements: Statement[]): readonly string[] => derive(...statements).map((check) => (check as { kind: string }).kind);
  expect(kinds(statement('dropIndexes', 'users', { index: 'a_1' }), again)).not.toContain('index-use');
  expect(kinds(statement('dropIndexes', 'users', { index: { a: 1 } }), again)).not.toContain('index-use');
  expect(kinds(statement('dropIndexes', 'users', { index: 'b_1' }), again)).toContain('index-use');
  expect(kinds(statement('create', 'fresh', {}), statement('dropIndexes', 'fresh', { index: 'a_1' }))).not.toContain('index-use');
});
