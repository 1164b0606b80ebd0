import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { connect, type Connection } from '@migration-guard/shared/mongo/connect';
import { Secret } from '@migration-guard/shared/redaction/secret';
import { startMongod } from '@migration-guard/shared/testing/mongod';
import { differingCollections } from '@migration-guard/shared/testing/truth';
import { rollBackDisturbed, rungs, spoiledShop } from './rungs.ts';

describe('a primary that steps down', () => {
  let server: Awaited<ReturnType<typeof startMongod>>;
  let connection: Connection;

  beforeAll(async () => {
    server = await startMongod({ kind: 'replica-set', members: 3 });
    connection = await connect(new Secret(server.uri));
  });

  afterAll(async () => {
    await connection.client.close();
    await server[Symbol.asyncDispose]();
  });

  const stepDown = (): Promise<unknown> =>
    connection.client
      .db('admin')
      .command({ replSetStepDown: 2, force: true })
      .catch(() => undefined);

  test.each(rungs)('in the middle of $name does not stop the rollback', async (rung) => {
    const { shop, before } = await spoiledShop(rung, { connection, uri: server.uri });
    await using _shop = shop;
    const apply = await rollBackDisturbed(shop, rung, stepDown);
    expect(apply).toMatchObject({ exitCode: 0, outputs: { rung: rung.name, proof: 'equal' } });
    expect(differingCollections(before, await shop.truth())).toEqual([]);
  });
});
