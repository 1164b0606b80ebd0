// Takes a backup in a process of its own, for tests that fill its disk or kill it: `node take-backup.ts <URI> <database> <store> [moment]`.
// The last line says the id, or the code of the error. At a moment it kills itself, as a machine that is switched off does.
import { createBackup } from '../backup/create.ts';
import type { BackupStore } from '../backup/store.ts';
import { openStore } from '../backup/stores/open.ts';
import { GuardError } from '../errors/guard-error.ts';
import { silentLog } from '../log/log.ts';
import { connect } from '../mongo/connect.ts';
import { Secret } from '../redaction/secret.ts';

const [uri = '', database = '', folder = '', moment = 'never'] = process.argv.slice(2);
const die = (): void => void process.kill(process.pid, 'SIGKILL');

await using connection = await connect(new Secret(uri));
try {
  const idToken = (): Promise<string> => Promise.reject(new Error('no token'));
  const store = dyingStore(await openStore(folder, { workspace: '/', env: process.env, idToken, log: silentLog }));
  const { id } = await createBackup({ connection, store, selection: { databases: [database] }, compression: 'none', log: silentLog });
  console.log(id);
} catch (error) {
  console.log(error instanceof GuardError ? error.code : String(error));
  process.exitCode = 1;
}

function dyingStore(store: BackupStore): BackupStore {
  return {
    ...store,
    async openWriter(path, bytes) {
      const writer = await store.openWriter(path, bytes);
      const write = async (piece: Buffer): Promise<void> => {
        await writer.write(moment === 'in a file' ? piece.subarray(0, piece.length / 2) : piece);
        if (moment === 'in a file') die();
      };
      const close = async (): Promise<void> => {
        if (moment === 'before the end of a file') die();
        return writer.close();
      };
      return { ...writer, write, close };
    },
    async put(path, content, options) {
      const isManifest = path.endsWith('/manifest.json');
      if (isManifest && moment === 'before the manifest') die();
      await store.put(path, content, options);
      if (isManifest && moment === 'after the manifest') die();
      if (!isManifest && moment === 'between two files') die();
    },
  };
}
