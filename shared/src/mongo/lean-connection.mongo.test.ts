import { createHash } from 'node:crypto';
import { createServer, connect as connectSocket, type Socket } from 'node:net';
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { MongoClient } from 'mongodb';
import { Secret } from '../redaction/secret.ts';
import { connectShared, dropDatabases, sharedUri, uniqueDatabase } from '../testing/mongod.ts';
import { connect, type Connection } from './connect.ts';
import { memoryPool } from './memory-pool.ts';
import { forEachInArray } from './raw-bson.ts';
import { readRaw, scan } from './raw-read.ts';
import { readDirectly } from './read-directly.ts';

const database = uniqueDatabase('lean');
let connection: Connection;

beforeAll(async () => {
  connection = await connectShared();
  const documents = Array.from({ length: 3_000 }, (_, number) => ({ number, text: String(number).repeat(5_000) }));
  await connection.client.db(database).collection('big').insertMany(documents);
});

afterAll(async () => {
  await dropDatabases(connection.client, [database]);
  await connection.client.close();
});

/** Of all documents in their order, and the memories in which the batches lay. */
async function read(
  client: MongoClient,
  end: boolean,
): Promise<{ readonly sha256: string; readonly memories: number; readonly batches: number }> {
  const hash = createHash('sha256');
  const memories = new Set<ArrayBufferLike>();
  let batches = 0;
  for await (const batch of readRaw({ client, database, collection: 'big', command: scan('big') })) {
    batches++;
    memories.add(batch.buffer);
    forEachInArray(batch, (start, stop) => hash.update(batch.subarray(start, stop)));
    if (end) memoryPool.leaseOf(batch)?.end();
  }
  return { sha256: hash.digest('hex'), memories: memories.size, batches };
}

describe('large replies', () => {
  let expected: string;

  beforeAll(async () => {
    await using client = await new MongoClient(sharedUri()).connect();
    expected = (await read(client, false)).sha256;
  });

  test('are what the ordinary connection of the driver gives, in memory that is used again', async () => {
    await using client = await connect(new Secret(sharedUri()));
    const { sha256, memories, batches } = await read(client.client, true);
    expect(sha256).toBe(expected);
    expect(batches).toBeGreaterThan(3);
    expect(memories).toBeLessThanOrEqual(2);
  });

  test('of many readers at once do not get in each other’s way', async () => {
    await using client = await connect(new Secret(sharedUri()));
    const readers = Array.from({ length: 6 }, () => read(client.client, true));
    expect((await Promise.all(readers)).map(({ sha256 }) => sha256)).toEqual(readers.map(() => expected));
  });

  test('that are compressed on the way are the same', async () => {
    await using client = await connect(new Secret(sharedUri()), { compressors: ['zlib'] });
    expect((await read(client.client, true)).sha256).toBe(expected);
  });
});

test('a server that goes away in the middle of a reply is an error, not a wait', async () => {
  const sockets = new Set<Socket>();
  // Passes on what both sides say, until the first large reply has begun.
  const proxy = createServer((near) => {
    const { hostname, port } = new URL(
      sharedUri()
        .replace(/,.*?\//, '/')
        .replace('mongodb:', 'http:'),
    );
    const far = connectSocket({ host: hostname, port: Number(port) });
    for (const socket of [near, far]) sockets.add(socket.on('error', () => undefined));
    let passed = 0;
    near.pipe(far);
    far.on('data', (chunk) => {
      near.write(chunk);
      passed += chunk.length;
      if (passed > 2 ** 20) for (const socket of sockets) socket.destroy();
    });
  });
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
  const { port } = proxy.address() as { port: number };
  const client = await connect(new Secret(`mongodb://127.0.0.1:${port}/?directConnection=true`));
  await expect(read(client.client, true)).rejects.toMatchObject({ name: expect.stringContaining('MongoNetworkError') });
  await client.client.close();
  proxy.close();
});

test('a socket without the fields that Node gives them today is read the ordinary way', async () => {
  const socket = new Duplex({ read: () => undefined, write: () => undefined });
  const taken: string[] = [];
  const sink = {
    space: () => Buffer.alloc(10),
    took: () => undefined,
    take: (chunk: Uint8Array) => taken.push(Buffer.from(chunk).toString()),
  };
  readDirectly(socket as Socket, sink);
  socket.push('one');
  socket.push(null);
  await once(socket, 'end');
  expect(taken).toEqual(['one']);
});
