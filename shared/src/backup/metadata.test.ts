import { describe, expect, test } from '@jest/globals';
import type { CatalogEntry } from '../mongo/catalog.ts';
import { metadataText, parseMetadata, proveMetadata } from './metadata.ts';

const idIndex = '{"v":{"$numberInt":"2"},"key":{"_id":{"$numberInt":"1"}},"name":"_id_"}';
const entry: CatalogEntry = {
  name: 'orders',
  type: 'collection',
  uuid: '0'.repeat(32),
  options: '{"capped":true,"size":{"$numberInt":"4096"}}',
  indexes: [idIndex],
};

describe('metadata', () => {
  test('are written as mongodump writes them', () => {
    expect(metadataText(entry)).toBe(
      `{"options":{"capped":true,"size":{"$numberInt":"4096"}},"indexes":[${idIndex}],"uuid":"${'0'.repeat(32)}","collectionName":"orders","type":"collection"}`,
    );
    expect(metadataText({ name: 'v', type: 'view', options: '{}', indexes: [] })).toBe('{"indexes":[],"collectionName":"v","type":"view"}');
  });

  test('come back', () => {
    expect(parseMetadata(metadataText(entry), 'other')).toEqual(entry);
    expect(parseMetadata('{"indexes":[]}', 'old')).toEqual({ name: 'old', type: 'collection', options: '{}', indexes: [] });
  });

  test('that cannot be written exactly are refused', () => {
    expect(() => proveMetadata('shop', entry)).not.toThrow();
    expect(() => proveMetadata('shop', { ...entry, options: '{"validator":{"a":1,"a":2}}' })).toThrow(
      expect.objectContaining({ code: 'backup/metadata-unsupported' }),
    );
  });
});
