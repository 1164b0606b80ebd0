import { expect, test } from '@jest/globals';
import { MongoClient } from 'mongodb';
import { startMongod } from '../testing/mongod.ts';
import { startEmbedded } from './server.ts';

test('starts a replica set of three that takes writes, and is gone after stop', async () => {
  const server = await startMongod({ kind: 'replica-set', members: 3 });
  const uri = `${server.uri}&serverSelectionTimeoutMS=500`;
  await using client = await MongoClient.connect(server.uri);
  await client
    .db('test')
    .collection('a')
    .insertOne({ x: 1 }, { writeConcern: { w: 3 } });
  await client.close();
  await server.stop();
  await server.stop();
  await expect(MongoClient.connect(uri)).rejects.toMatchObject({ name: 'MongoServerSelectionError' });
});

test('a binary that is no server is embedded/start-failed', async () => {
  const started = startEmbedded({ binary: process.execPath, topology: { kind: 'standalone' } });
  await expect(started).rejects.toMatchObject({ code: 'embedded/start-failed' });
});
