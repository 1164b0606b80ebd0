// One replica set serves all test files; each takes databases of its own. Runs outside of the tests' module registry.
import { ensureBinary } from '../../shared/src/embedded/binary.ts';
import { startEmbedded } from '../../shared/src/embedded/server.ts';
import { silentLog } from '../../shared/src/log/log.ts';

export default async function start() {
  const binary = await ensureBinary({ env: process.env, log: silentLog });
  const server = await startEmbedded({
    binary: binary.path,
    topology: { kind: 'replica-set', members: 1 },
    parameters: { enableTestCommands: 1 },
    cacheGigabytes: 0.5,
  });
  process.env.MONGOD_BINARY = binary.path;
  process.env.MIGRATION_GUARD_TEST_URI = server.uri;
  globalThis.__migrationGuardServer = server;
}
