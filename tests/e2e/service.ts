// The service that the end-to-end workflow releases to: node tests/e2e/service.ts start|check|stop <folder> <good|bad>
// `start` leaves database and application of the demo running and prints how to reach them as outputs of a step.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, open, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MongoClient } from 'mongodb';
import { openMarketplace } from '../../demo/marketplace.ts';
import { addedSince, differencesBetween, fingerprintOf, without, type Fingerprint } from '../../demo/proof.ts';
import { startTimeline } from '../../demo/timeline.ts';
import { judgeAdded } from '../../demo/traffic.ts';

interface Ready {
  readonly pid: number;
  readonly before: readonly (readonly [string, Fingerprint extends ReadonlyMap<string, infer Print> ? Print : never])[];
  readonly outputs: { readonly uri: string; readonly [name: string]: string };
}

const [command = '', folder = '', release = 'good'] = process.argv.slice(2);
const readyFile = path.join(folder, 'ready.json');
const commands: Readonly<Record<string, () => Promise<void>>> = { start, serve, check, stop };
const chosen = commands[command];
if (chosen === undefined || folder === '') throw new Error('usage: service.ts start|check|stop <folder> <good|bad>');
await chosen();

async function start(): Promise<void> {
  await mkdir(folder, { recursive: true });
  await using log = await open(path.join(folder, 'service.log'), 'a');
  const args = ['--conditions=source', import.meta.filename, 'serve', folder, release];
  const child = spawn(process.execPath, args, { detached: true, stdio: ['ignore', log.fd, log.fd] });
  child.unref();
  while (!existsSync(readyFile)) {
    if (child.exitCode !== null) throw new Error(`The service did not start:\n${await readFile(path.join(folder, 'service.log'), 'utf8')}`);
    await sleep(100);
  }
  for (const [name, value] of Object.entries((await ready()).outputs)) console.log(`${name}=${value}`);
}

/** Runs until it is stopped; database and application end with it. */
async function serve(): Promise<void> {
  const stopped = new Promise((resolve) => process.once('SIGTERM', resolve));
  await using market = await openMarketplace(
    folder,
    startTimeline({ write: () => true }, () => performance.now()),
  );
  await market.merge(release === 'bad' ? 'bad' : 'good');
  const { uri, service, store, workspace } = market;
  const content: Ready = {
    pid: process.pid,
    before: [...(await fingerprintOf(market.db))],
    outputs: {
      uri,
      'base-url': service,
      store,
      workspace,
      'stop-command': market.command('stop'),
      'start-command': market.command('start'),
    },
  };
  await writeFile(`${readyFile}.part`, JSON.stringify(content));
  await rename(`${readyFile}.part`, readyFile);
  const alive = setInterval(() => undefined, 60_000);
  await stopped;
  clearInterval(alive);
}

/**
 * A good release must have changed the database, a bad one must have left it as it was, but for what the smoke test wrote through the
 * application; counted without any code of the actions.
 */
async function check(): Promise<void> {
  const { before: prints, outputs } = await ready();
  const before: Fingerprint = new Map(prints);
  await using client = await MongoClient.connect(outputs.uri);
  const db = client.db('marketplace');
  const added = await addedSince(db, before);
  const strange = release === 'bad' ? judgeAdded(added, { confirmed: [], turnedAway: 0 }) : [];
  const now = await fingerprintOf(db);
  const changes = [...differencesBetween(before, release === 'bad' ? without(now, added) : now), ...strange];
  for (const change of changes) console.log(change);
  const healthy = await fetch(`${outputs['base-url']}/health`).then(({ ok }) => ok);
  if (!healthy) throw new Error('The application does not run.');
  if (release === 'bad' && changes.length > 0) throw new Error('The database is not what it was before the release.');
  if (release === 'good' && changes.length === 0) throw new Error('The release changed nothing.');
  console.log(release === 'bad' ? 'The database is what it was before the release.' : 'The release is in the database.');
}

async function stop(): Promise<void> {
  const { pid } = await ready();
  process.kill(pid, 'SIGTERM');
  while (isAlive(pid)) await sleep(50);
}

async function ready(): Promise<Ready> {
  return JSON.parse(await readFile(readyFile, 'utf8')) as Ready;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
