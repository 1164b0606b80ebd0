import { describe, expect, test } from '@jest/globals';
import { hostsOfUri, isListed, mappedUri, type FencePolicy } from './policy.ts';

describe('isListed', () => {
  test.each([
    ['db.internal', 27_017, 'db.internal', true],
    ['db.internal', 27_017, 'db.internal:27017', true],
    ['db.internal', 27_018, 'db.internal:27017', false],
    ['DB.internal.', 27_017, 'db.internal', true],
    ['localhost', 1, '127.0.0.1:1', true],
    ['::1', 1, 'localhost', true],
    ['::1', 1, '[::1]:1', true],
    ['a.example.com', 443, '*.example.com', true],
    ['example.com.evil.org', 443, '*.example.com', false],
    ['/var/run/docker.sock', undefined, '127.0.0.1', false],
  ])('%s %s by %s: %s', (host, port, listed, expected) => {
    expect(isListed({ host, port }, [listed])).toBe(expected);
  });
});

test.each([
  [
    'mongodb://u:p%40@a:1,b/shop?tls=true',
    [
      { host: 'a', port: 1 },
      { host: 'b', port: 27_017 },
    ],
  ],
  ['mongodb+srv://u:p@cluster.example.net/shop', [{ host: 'cluster.example.net' }]],
  ['mongodb://%2Ftmp%2Fmongodb.sock/shop', [{ host: '/tmp/mongodb.sock', port: 27_017 }]],
  ['https://example.com', undefined],
])('hosts of %s', (uri, hosts) => {
  expect(hostsOfUri(uri)).toEqual(hosts);
});

describe('mappedUri', () => {
  const policy: FencePolicy = {
    uri: 'mongodb://127.0.0.1:7000/?replicaSet=rs0',
    copyHosts: ['127.0.0.1:7000'],
    databases: { shop: 'shop_migration_test', audit: 'audit' },
    mappedHosts: ['old.internal', '*.example.net'],
    allowedHosts: [],
    allowedPrograms: [],
    appName: 'x',
  };

  test.each([
    ['mongodb://u:p@old.internal:27017/shop?tls=true', 'mongodb://127.0.0.1:7000/shop_migration_test?replicaSet=rs0'],
    ['mongodb+srv://u:p@prod.example.net', 'mongodb://127.0.0.1:7000/?replicaSet=rs0'],
    ['mongodb://old.internal,other.internal/shop', undefined],
    ['mongodb://other.internal/shop', undefined],
  ])('%s', (uri, expected) => {
    expect(mappedUri(uri, policy)).toBe(expected);
  });
});
