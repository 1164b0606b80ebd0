import { describe, expect, test } from '@jest/globals';
import { connectionStringFor } from './connection-string.ts';

const named = { database: 'shop', appName: 'guard/1' };

describe('the connection string for a command', () => {
  test.each([
    ['names the database', 'mongodb://host:27017', 'mongodb://host:27017/shop?appName=guard%2F1'],
    ['names it instead of another', 'mongodb://a,b/other?replicaSet=rs', 'mongodb://a,b/shop?replicaSet=rs&appName=guard%2F1'],
    ['has one application name', 'mongodb://host/?appName=mine&w=1', 'mongodb://host/shop?w=1&appName=guard%2F1'],
    ['keeps users where they are', 'mongodb://u:p@host/', 'mongodb://u:p@host/shop?authSource=admin&appName=guard%2F1'],
    ['keeps users of a database there', 'mongodb+srv://u:p@host/users', 'mongodb+srv://u:p@host/shop?authSource=users&appName=guard%2F1'],
    ['leaves a source alone', 'mongodb://u:p@host/x?authSource=y', 'mongodb://u:p@host/shop?authSource=y&appName=guard%2F1'],
    [
      'leaves mechanisms with a source of their own alone',
      'mongodb://u@host/?authMechanism=MONGODB-X509',
      'mongodb://u@host/shop?authMechanism=MONGODB-X509&appName=guard%2F1',
    ],
    [
      'knows that SCRAM has none',
      'mongodb://u:p@host/?authMechanism=SCRAM-SHA-256',
      'mongodb://u:p@host/shop?authMechanism=SCRAM-SHA-256&authSource=admin&appName=guard%2F1',
    ],
  ])('%s', (_what, uri, expected) => {
    expect(connectionStringFor(uri, named)).toBe(expected);
  });
});
