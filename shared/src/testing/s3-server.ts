import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { silentLog } from '../log/log.ts';
import type { BackupStore } from '../backup/store.ts';
import { s3Store } from '../backup/stores/s3.ts';
import type { S3Settings, StoreAccess } from '../backup/stores/s3-settings.ts';
import { requireProgram } from './go-programs.ts';
import { temporaryFolder } from './temporary-folder.ts';

export interface S3Server extends AsyncDisposable {
  readonly endpoint: string;
  /** What a step gets in its environment to be let in. */
  readonly env: Readonly<Record<string, string>>;
  /** Where the server keeps its buckets: a folder for each, a file for each object. */
  readonly folder: string;
  makeBucket(name: string): Promise<void>;
  /** A store in a bucket of this server. */
  store(location: string, settings?: S3Settings, access?: Partial<StoreAccess>): BackupStore;
  /** Kills the server as a broken machine does; `start` brings it back on the same port with the same data. */
  kill(): Promise<void>;
  start(): Promise<void>;
}

/** Starts versitygw on loopback, with versions and Object Lock. */
export async function startS3Server(): Promise<S3Server> {
  const root = await temporaryFolder();
  const folder = path.join(root.path, 'data');
  const versions = path.join(root.path, 'versions');
  await mkdir(folder);
  await mkdir(versions);
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const env = { AWS_ACCESS_KEY_ID: 'tester', AWS_SECRET_ACCESS_KEY: 'a-secret-of-tests', AWS_ENDPOINT_URL_S3: endpoint };
  const launch = (): ReturnType<typeof spawn> =>
    spawn(requireProgram('versitygw'), ['-q', '--port', `127.0.0.1:${port}`, 'posix', '--versioning-dir', versions, folder], {
      env: { ...process.env, ROOT_ACCESS_KEY: env.AWS_ACCESS_KEY_ID, ROOT_SECRET_KEY: env.AWS_SECRET_ACCESS_KEY },
      stdio: 'ignore',
    });
  let child = launch();
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  };
  await untilItAnswers(endpoint);
  return {
    endpoint,
    env,
    folder,
    makeBucket: (name) => mkdir(path.join(folder, name)).then(() => undefined),
    store: (location, settings = {}, access = {}) =>
      s3Store(location, {
        workspace: '/',
        env,
        idToken: () => Promise.reject(new Error('no token')),
        log: silentLog,
        ...access,
        s3: settings,
      }),
    kill,
    start: async () => {
      child = launch();
      await untilItAnswers(endpoint);
    },
    [Symbol.asyncDispose]: async () => {
      await kill();
      await root[Symbol.asyncDispose]();
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function untilItAnswers(endpoint: string): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const answers = await fetch(endpoint).then(
      () => true,
      () => false,
    );
    if (answers) return;
    await sleep(50);
  }
  throw new Error('versitygw did not start.');
}
