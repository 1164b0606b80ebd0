// Finds or fetches mongod and prints one JSON line with what was taken; run by setup.mjs.
import { ensureBinary } from '@migration-guard/shared/embedded/binary';
import { GuardError } from '@migration-guard/shared/errors/guard-error';
import { silentLog } from '@migration-guard/shared/log/log';

try {
  const log = { ...silentLog, info: (message: string) => console.error(message) };
  console.log(JSON.stringify(await ensureBinary({ env: process.env, log })));
  process.exit(0);
} catch (error) {
  if (!(error instanceof GuardError)) throw error;
  console.error(`${error.code}: ${error.message}\n${error.remedy}`);
  process.exit(1);
}
