import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { connect, type Connection } from '@migration-guard/shared/mongo/connect';
import { Secret } from '@migration-guard/shared/redaction/secret';
import { startJob, type Job, type StepResult } from '@migration-guard/shared/testing/action-runner';
import { startMongod } from '@migration-guard/shared/testing/mongod';
import type { EmbeddedServer } from '@migration-guard/shared/embedded/server';

const password = 'correct-horse-battery';

/** What each action would be started with; `uri` is added where the action talks to the target. */
const steps: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  backup: { mode: 'create', database: 'shop', store: 'backups' },
  migrate: { mode: 'apply', database: 'shop', migrations: 'migrations' },
  verify: { mode: 'verify', database: 'shop', 'rollback-point': 'latest' },
  rollback: { mode: 'apply', database: 'shop', 'rollback-point': 'latest' },
  loadtest: { mode: 'smoke', 'base-url': 'http://127.0.0.1:9' },
  report: {},
};
const all = Object.keys(steps);
const withTarget = ['backup', 'migrate', 'verify', 'rollback'];

describe('bad input gets one clear error and touches nothing', () => {
  let server: EmbeddedServer;
  let admin: Connection;
  let job: Job;

  const uriOf = (user: string): string => server.uri.replace('mongodb://', `mongodb://${user}:${password}@`);

  beforeAll(async () => {
    server = await startMongod({ kind: 'replica-set', members: 1 }, { rootPassword: password });
    admin = await connect(new Secret(uriOf('root')));
    await admin.client.db('admin').command({ createUser: 'nobody', pwd: password, roles: [] });
    await admin.client
      .db('shop')
      .collection('orders')
      .insertMany([{ total: 1 }, { total: 2 }]);
    job = await startJob();
    await mkdir(path.join(job.workspace, 'migrations'));
    const migration = 'module.exports = { up: (db) => db.collection("orders").deleteMany({}) };';
    await writeFile(path.join(job.workspace, 'migrations', '20260101000000-wipe.js'), migration);
  });

  afterAll(async () => {
    await job[Symbol.asyncDispose]();
    await admin.client.close();
    await server.stop();
  });

  async function content(): Promise<unknown> {
    const { databases } = await admin.client.db('admin').admin().listDatabases({ nameOnly: true });
    const { md5 } = await admin.client.db('shop').command({ dbHash: 1 });
    return { names: databases.map(({ name }) => name).sort(), md5 };
  }

  async function refused(name: string, inputs: Readonly<Record<string, string>>): Promise<string> {
    const before = await content();
    const step: StepResult = await job.run(name, { inputs });
    const errors = step.annotations.filter(({ level }) => level === 'error');
    expect(step.exitCode).toBe(1);
    expect(errors).toHaveLength(1);
    expect(errors[0]?.message.split('\n').length).toBeGreaterThan(1);
    expect(step.outputs['result']).toBe('failed');
    expect(step.log).not.toMatch(/^\s+at .*:\d+:\d+/m);
    expect(step.rawLog.replaceAll(/^::add-mask::.*$/gm, '') + step.summary).not.toContain(password);
    expect(await content()).toEqual(before);
    return errors[0]?.message ?? '';
  }

  test.each(all)('%s: a wrong input name', async (name) => {
    expect(await refused(name, { ...steps[name], databse: 'shop' })).toMatch(
      /^input\/invalid: .*databse is not an input .*did you mean database/,
    );
  });

  test.each(withTarget)('%s: no uri', async (name) => {
    expect(await refused(name, { ...steps[name] })).toMatch(/^input\/invalid: uri is required/);
  });

  test.each(withTarget)('%s: not a MongoDB connection string', async (name) => {
    expect(await refused(name, { ...steps[name], uri: `http://ann:${password}@host/` })).toMatch(/^target\/invalid-uri: /);
  });

  test.each(withTarget)('%s: a server that does not answer', async (name) => {
    const uri = `mongodb://ann:${password}@127.0.0.1:1/?serverSelectionTimeoutMS=300`;
    expect(await refused(name, { ...steps[name], uri })).toMatch(/^target\/unreachable: /);
  });

  test.each(withTarget)('%s: a wrong password', async (name) => {
    const uri = uriOf('root').replace(`:${password}@`, ':wrong-password@');
    expect(await refused(name, { ...steps[name], uri })).toMatch(/^target\/authentication-failed: /);
  });

  test.each(withTarget)('%s: a user without privileges', async (name) => {
    expect(await refused(name, { ...steps[name], uri: uriOf('nobody') })).toMatch(/^target\/privilege-missing: /);
  });

  test.each(all)('%s: a typo in the configuration file, with line and column', async (name) => {
    await using other = await startJob();
    await mkdir(path.join(other.workspace, '.github'));
    await writeFile(path.join(other.workspace, '.github', 'migration-guard.yml'), `database: shop\n${name}:\n  colour: red\n`);
    const step = await other.run(name, { inputs: { ...steps[name], ...(withTarget.includes(name) ? { uri: uriOf('root') } : {}) } });
    expect(step.exitCode).toBe(1);
    expect(step.annotations.filter(({ level }) => level === 'error')).toEqual([
      {
        level: 'error',
        file: '.github/migration-guard.yml',
        line: 3,
        column: 3,
        message: expect.stringMatching(/^config\/invalid: .*colour is not a known setting/),
      },
    ]);
  });
});
