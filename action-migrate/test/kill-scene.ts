import { expect } from '@jest/globals';
import { lockCollection } from '@migration-guard/shared/migration/lock';
import { sharedUri } from '@migration-guard/shared/testing/mongod';
import { startWireProxy, type WireMessage } from '@migration-guard/shared/testing/wire-proxy';
import type { Db } from 'mongodb';
import { openFixture } from './fixture.ts';

/** Not idempotent: what runs twice, or not at all, shows. */
export const files = {
  'migrations/1.mjs': `export const up = (db) => db.collection('orders').updateMany({}, { $inc: { total: 1 } });`,
  'migrations/2.mjs': `export const up = (db) => db.collection('orders').updateMany({}, { $mul: { total: 2 } });`,
};

/** The writes of a run up to the second file, as `command collection state`. */
export function labelOf({ name, command }: WireMessage): string {
  const target: unknown = command[name];
  const { state, kind } = ((command['documents'] as readonly Record<string, unknown>[] | undefined)?.[0] ?? {}) as {
    readonly state?: string;
    readonly kind?: string;
  };
  const text = JSON.stringify(command);
  const detail = [
    state,
    target === 'migration_writes' ? kind : undefined,
    name === 'update' && target === lockCollection && text.includes('$setOnInsert') ? 'prepare' : undefined,
    name === 'update' && target === lockCollection && !text.includes('$add') && !text.includes('$setOnInsert') ? 'release' : undefined,
    name === 'collMod' ? (text.includes('"enabled":true') ? 'on' : 'off') : undefined,
  ];
  return [name, typeof target === 'string' ? target : '', ...detail].filter(Boolean).join(' ');
}

export const writing = /^(insert|update|delete|findAndModify|bulkWrite|commitTransaction|collMod|create|createIndexes|drop|dropIndexes) ?/;

/** The writes of a run without transactions, in their order. */
export const plain = [
  'findAndModify migration_lock',
  'insert migration_rollback_points',
  'insert migration_journal STARTED',
  'update orders',
  'insert migration_journal FINISHED',
  'insert changelog',
  'insert migration_journal APPLIED',
  'update migration_lock release',
];
/** What is written around the files: the lock, what an undo needs, the structure for the next run. */
export const around = [
  'update migration_lock prepare',
  'update migration_writes',
  'collMod orders on',
  'insert migration_writes begin',
  'insert migration_writes commands',
  'insert migration_writes end',
  'collMod orders off',
  'delete migration_writes',
  'update migration_structure',
];
/** Written beside the first file: nobody can say how far that is by then. */
const besideFile = 'insert migration_writes commands';
const halfDone = [
  'insert migration_journal STARTED reply',
  'update orders command',
  'update orders reply',
  'insert migration_journal FINISHED command',
];

/** Those that a run with a transaction for each file makes instead. */
export const inTransaction = [
  'insert migration_journal STARTED',
  'update orders',
  'insert migration_journal FINISHED',
  'commitTransaction',
  'insert changelog',
  'insert migration_journal APPLIED',
];

export async function totals(db: Db): Promise<readonly number[]> {
  return db
    .collection('orders')
    .find()
    .sort({ _id: 1 })
    .map(({ total }) => total as number)
    .toArray();
}

export const undisturbed = Array.from({ length: 90 }, (_, id) => (id + 1) * 2);

interface Killed {
  readonly boundary: string;
  readonly kind: WireMessage['kind'];
  readonly transaction: string;
}

/** Kills the run at the first such message, which goes no further; then everything that may follow a killed run. */
export async function killAt({ boundary, kind, transaction }: Killed): Promise<void> {
  await using fixture = await openFixture(files);
  let kill: (() => unknown) | undefined;
  await using proxy = await startWireProxy(sharedUri(), (message) => {
    if (kill === undefined || message.kind !== kind || labelOf(message) !== boundary) return undefined;
    kill();
    kill = undefined;
    return new Promise(() => undefined);
  });
  const inputs = { uri: proxy.uri, transaction };
  const killed = await fixture.migrate('apply', inputs, { onStart: (child) => (kill = () => child.kill('SIGKILL')) });
  expect(killed.signal).toBe('SIGKILL');
  await fixture.job.runPosts();
  // As if the lease had run out, where the post step had no token yet.
  await fixture.db.collection(lockCollection).updateOne({ _id: 'migrations' as never }, { $set: { expiresAt: new Date(0) } });
  const direct = { uri: sharedUri(), transaction };
  const next = await fixture.migrate('apply', direct);
  const isBeside = boundary === besideFile && next.rawLog.includes('migration/half-done');
  if (transaction === 'none' && (halfDone.includes(`${boundary} ${kind}`) || isBeside)) {
    expect(next.rawLog).toMatch(
      /migration\/half-done: 1\.mjs is half-done\. Known: 1\.mjs was started .*killed.*Not known: how much of 1\.mjs is in the data/,
    );
    expect(next.rawLog).toContain('set `retry: 1.mjs`');
    expect(next.rawLog).toMatch(/Run action-rollback with rollback point \S+/);
    expect(next.outputs).toMatchObject({ applied: '[]', pending: '["1.mjs","2.mjs"]' });
    // The person looks, and sees what the update had done.
    const done = (await totals(fixture.db))[0] === 1;
    await fixture.checkout.write({ 'migrations/1.mjs': done ? 'export const up = () => {};' : files['migrations/1.mjs'] });
    expect((await fixture.migrate('apply', { ...direct, retry: '1.mjs' })).exitCode).toBe(0);
  } else {
    expect(next.rawLog).not.toContain('##[error]');
    expect(next.exitCode).toBe(0);
  }
  expect(await totals(fixture.db)).toEqual(undisturbed);
  expect((await fixture.db.collection('changelog').find().toArray()).map(({ fileName }) => fileName as string)).toEqual(['1.mjs', '2.mjs']);
  // What was switched on for an undo does not stay behind.
  const [orders] = await fixture.db.listCollections({ name: 'orders' }).toArray();
  expect(JSON.stringify(orders)).not.toContain('"enabled":true');
}

/** Whether the command is lost, or only the answer to it. */
export const kinds = ['command', 'reply'] as const;
