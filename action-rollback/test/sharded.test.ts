import { expect, test } from '@jest/globals';
import { connect } from '@migration-guard/shared/mongo/connect';
import { Secret } from '@migration-guard/shared/redaction/secret';
import { startMongod } from '@migration-guard/shared/testing/mongod';
import { differingCollections } from '@migration-guard/shared/testing/truth';
import { startWireProxy, type WireDisguise } from '@migration-guard/shared/testing/wire-proxy';
import { migrateBadly, openShop, stageOf } from './fixture.ts';

const ofReplicaSets = new Set(['setName', 'setVersion', 'hosts', 'primary', 'me', 'electionId', 'lastWrite', 'topologyVersion']);

/** A replica set that says of itself that it is the router of a cluster. */
const asRouter: WireDisguise = (reply) => {
  if (!('maxBsonObjectSize' in reply)) return undefined;
  return { ...Object.fromEntries(Object.entries(reply).filter(([name]) => !ofReplicaSets.has(name))), msg: 'isdbgrid' };
};

test('a sharded collection is not restored under another name: nothing is changed, and the remedy says who restores it', async () => {
  await using server = await startMongod({ kind: 'replica-set', members: 1 });
  await using connection = await connect(new Secret(server.uri));
  await using shop = await openShop({ connection, uri: server.uri });
  await shop.mark(await shop.backUp());
  await migrateBadly(shop.db);
  await connection.client
    .db('config')
    .collection<{ _id: string }>('collections')
    .insertOne({ _id: `${shop.database}.orders` });
  const bad = await shop.truth();
  await using router = await startWireProxy(server.uri, () => undefined, asRouter);
  const plan = await shop.rollback('plan', { uri: router.uri });
  expect(plan).toMatchObject({ exitCode: 1, outputs: { rung: 'none' } });
  const ladder = (await stageOf(plan)).tables.find(({ title }) => title === 'Ladder')?.rows.map(([rung, , why]) => `${rung}: ${why}`);
  expect(ladder?.slice(2)).toEqual(['restore-collections: orders is sharded', 'restore: orders is sharded']);
  const refused = await shop.rollback('apply', { uri: router.uri });
  expect(refused).toMatchObject({ exitCode: 1, outputs: { proof: 'none' } });
  expect(refused.annotations[0]?.message).toMatch(/rollback\/sharded: .*orders is sharded.*pbm/s);
  expect(differingCollections(bad, await shop.truth())).toEqual([]);
});
