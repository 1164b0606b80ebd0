import { expect, test } from '@jest/globals';
import { Timestamp } from 'mongodb';
import { connect } from '../../mongo/connect.ts';
import { Secret } from '../../redaction/secret.ts';
import { failCommand } from '../../testing/fail-command.ts';
import { sharedUri } from '../../testing/mongod.ts';
import { newestEntry, readEntries } from './server-oplog.ts';

test('an oplog that is overwritten while it is read is said as one that was before', async () => {
  const appName = 'server-oplog';
  await using connection = await connect(new Secret(sharedUri()), { appName });
  const to = await newestEntry(connection.client);
  const read = async (from: Timestamp): Promise<number> => {
    let entries = 0;
    for await (const batch of readEntries(connection.client, { from, to, databases: ['none'] })) entries += batch.length;
    return entries;
  };
  await expect(read(to)).resolves.toBe(1);
  await expect(read(new Timestamp({ t: 1, i: 1 }))).rejects.toMatchObject({ code: 'backup/oplog-rolled-over' });
  await using _lost = await failCommand(connection.client, { times: 1 }, { failCommands: ['find'], errorCode: 136, appName });
  await expect(read(to)).rejects.toMatchObject({ code: 'backup/oplog-rolled-over' });
});
