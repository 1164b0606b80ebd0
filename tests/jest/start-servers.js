// One replica set serves all test files; each takes databases of its own. All temporary files of a run are in one folder, removed at its
// end, so that a test that is killed leaves nothing behind. Runs outside of the tests' module registry.
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ensureBinary } from '../../shared/src/embedded/binary.ts';
import { startEmbedded } from '../../shared/src/embedded/server.ts';
import { silentLog } from '../../shared/src/log/log.ts';

export default async function start() {
  const folder = await mkdtemp(path.join(tmpdir(), 'migration-guard-run-'));
  process.env.TMPDIR = folder;
  const binary = await ensureBinary({ env: process.env, log: silentLog });
  const server = await startEmbedded({
    binary: binary.path,
    topology: { kind: 'replica-set', members: 1 },
    parameters: { enableTestCommands: 1 },
    cacheGigabytes: 0.5,
  });
  process.env.MONGOD_BINARY = binary.path;
  process.env.MIGRATION_GUARD_TEST_URI = server.uri;
  globalThis.__migrationGuard = { folder, server };
}
