import { expect, test } from '@jest/globals';
import { seriesOf } from '../embedded/binary.ts';
import { silentLog, type Log } from '../log/log.ts';
import { connect, type Connection } from '../mongo/connect.ts';
import { Secret } from '../redaction/secret.ts';
import { connectShared } from '../testing/mongod.ts';
import { startCopyServer } from './copy-server.ts';

async function onCopyServer(
  featureVersion: string,
  version: string,
  look: (copy: Connection) => Promise<void>,
): Promise<readonly string[]> {
  const notices: string[] = [];
  const log: Log = { ...silentLog, notice: (text) => void notices.push(text) };
  await using server = await startCopyServer({ like: { version, featureVersion }, env: process.env, log });
  await using copy = await connect(new Secret(server.uri));
  await look(copy);
  return notices;
}

async function featureVersionOf({ client }: Connection): Promise<unknown> {
  const { featureCompatibilityVersion } = await client.db('admin').command({ getParameter: 1, featureCompatibilityVersion: 1 });
  return featureCompatibilityVersion.version;
}

test('a source that was upgraded and not told so yet has a copy that knows no more', async () => {
  await using shared = await connectShared();
  const before = `${Number.parseInt(shared.serverVersion, 10) - 1}.0`;
  const notices = await onCopyServer(before, shared.serverVersion, async (copy) => {
    expect(await featureVersionOf(copy)).toBe(before);
  });
  expect(notices).toEqual([]);
});

test('a version that the server cannot have is said', async () => {
  await using shared = await connectShared();
  const notices = await onCopyServer('3.6', shared.serverVersion, async (copy) => {
    expect(await featureVersionOf(copy)).toBe(seriesOf(shared.serverVersion));
  });
  expect(notices).toEqual([expect.stringContaining('The copy cannot have the featureCompatibilityVersion 3.6')]);
});
