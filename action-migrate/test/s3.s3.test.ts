import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { createBackup } from '@migration-guard/shared/backup/create';
import { recordProof } from '@migration-guard/shared/backup/proof';
import { silentLog } from '@migration-guard/shared/log/log';
import { startJob } from '@migration-guard/shared/testing/action-runner';
import { otherKey, testKey, testRecipients } from '@migration-guard/shared/testing/age-keys';
import { connectShared, dropDatabases, sharedUri, uniqueDatabase } from '@migration-guard/shared/testing/mongod';
import { startS3Server } from '@migration-guard/shared/testing/s3-server';

test('rehearsal, rollback point and rollback take an encrypted backup from a bucket', async () => {
  const database = uniqueDatabase('migrate_s3');
  await using connection = await connectShared();
  await using server = await startS3Server();
  await using job = await startJob();
  await server.makeBucket('backups');
  const items = connection.client.db(database).collection('items');
  await items.insertMany([{ n: 1 }, { n: 2 }]);
  await mkdir(path.join(job.workspace, 'migrations'));
  const migration = `module.exports = {
    up: (db) => db.collection('items').updateMany({}, { $set: { seen: true } }),
    down: (db) => db.collection('items').updateMany({}, { $unset: { seen: '' } }),
  };\n`;
  await writeFile(path.join(job.workspace, 'migrations', '20260101000000-seen.js'), migration);
  const store = server.store('s3://backups/shop');
  const { id, digest } = await createBackup({
    connection,
    store,
    selection: { databases: [database] },
    recipients: testRecipients,
    log: silentLog,
  });
  await recordProof(store, id, { kind: 'read', at: new Date(), digest });
  const shared = { uri: sharedUri(), database, 'decrypt-key': testKey.secret };
  const migrate = (inputs: Record<string, string>): ReturnType<typeof job.run> =>
    job.run('migrate', {
      inputs: { ...shared, migrations: 'migrations', store: 's3://backups/shop', ...inputs },
      env: { ...server.env, MONGOD_BINARY: process.env['MONGOD_BINARY'] ?? '' },
    });
  expect((await migrate({ mode: 'rehearse', store: 's3://absent' })).rawLog).toContain('store/no-bucket');
  expect((await migrate({ mode: 'rehearse', 'decrypt-key': otherKey.secret })).rawLog).toContain('backup/key-wrong');
  const rehearsed = await migrate({ mode: 'rehearse' });
  expect(rehearsed.rawLog).toContain('1 migration was proven on a copy');
  const applied = await migrate({ mode: 'apply' });
  expect(applied).toMatchObject({ exitCode: 0 });
  expect(await items.countDocuments({ seen: true })).toBe(2);
  const rolledBack = await job.run('rollback', { inputs: { ...shared, mode: 'apply' }, env: server.env });
  expect(rolledBack.rawLog).not.toContain('::error');
  expect(rolledBack).toMatchObject({ exitCode: 0, outputs: { proof: 'equal' } });
  expect(await items.countDocuments({ seen: true })).toBe(0);
  await dropDatabases(connection.client, [database]);
});
