import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { Connection } from '@migration-guard/shared/mongo/connect';
import { json, startHttpService, type HttpService } from '@migration-guard/shared/testing/http-service';
import { connectShared, sharedUri, uniqueDatabase } from '@migration-guard/shared/testing/mongod';
import { Long } from 'mongodb';
import { stringify } from 'yaml';
import { ownName, runWorkflow, type WorkflowResult } from './workflows/act.ts';

jest.setTimeout(180_000);

const workflow = '.github/workflows/release.yml';

/** A user's repository: the reusable workflow is called as its README shows. */
function repository(called: 'deploy' | 'rehearse', files: Readonly<Record<string, string>>, inputs: object): Record<string, string> {
  return {
    [workflow]: stringify({
      on: ['push', 'pull_request'],
      permissions: { contents: 'read', 'pull-requests': 'write' },
      jobs: {
        release: {
          uses: `${ownName}/.github/workflows/${called}.yml@local`,
          with: { environment: 'production', ...inputs },
          secrets: { 'mongodb-uri': '${{ secrets.MONGODB_URI }}' },
        },
      },
    }),
    '.github/migration-guard.yml': stringify({
      verify: { 'required-fields': [{ collection: 'orders', field: 'total' }] },
      loadtest: { preflight: { wait: '2s' }, steps: [{ name: 'newest order', request: 'GET /orders/newest', expect: { status: 200 } }] },
    }),
    ...files,
  };
}

const addsField = `
module.exports = {
  async up(db) { await db.collection('orders').updateMany({}, { $set: { currency: 'EUR' } }); },
  async down(db) { await db.collection('orders').updateMany({}, { $unset: { currency: '' } }); },
};`;

// Reversible, so the rehearsal has nothing against it; but the application still reads \`status\`.
const renamesField = `
module.exports = {
  async up(db) { await db.collection('orders').updateMany({}, { $rename: { status: 'state' } }); },
  async down(db) { await db.collection('orders').updateMany({}, { $rename: { state: 'status' } }); },
};`;

const throwsOnRealData = `
module.exports = {
  async up(db) { if (await db.collection('orders').countDocuments() > 0) throw new Error('not with data'); },
  async down() {},
};`;

let connection: Connection;
let service: HttpService;
let database: string;
/** GitHub's REST interface, as far as reports go there: `POST /repos/…` and what was sent. */
let github: HttpService;
let sent: { readonly to: string; readonly body: { readonly name?: string; readonly conclusion?: string } }[] = [];

beforeAll(async () => {
  connection = await connectShared();
  github = await startHttpService(({ method, url, body }, response) => {
    sent.push({ to: `${method} ${url}`, body: JSON.parse(body || '{}') as {} });
    json(response, method === 'POST' ? 201 : 404, { id: 1 });
  });
});

beforeEach(() => {
  sent = [];
});

afterAll(async () => {
  await github[Symbol.asyncDispose]();
  await connection.client.close();
});

/** A database of its own with 500 orders, and a service on it that reads their status. */
async function withService(body: () => Promise<void>): Promise<void> {
  database = uniqueDatabase('deploy');
  const db = connection.client.db(database);
  const orders = db.collection('orders');
  await orders.insertMany(Array.from({ length: 500 }, (_, n) => ({ _id: n, total: Long.fromNumber(n * 10), status: 'new' })) as never);
  await orders.createIndex({ status: 1 }, { name: 'by_status' });
  service = await startHttpService(({ url }, response) => {
    if (url === '/') return json(response, 200, {});
    void orders.findOne({}, { sort: { _id: -1 } }).then((order) => {
      const known = typeof order?.['status'] === 'string';
      return json(response, known ? 200 : 500, known ? { status: order['status'] } : { error: 'no status' });
    });
  });
  try {
    await body();
  } finally {
    await service[Symbol.asyncDispose]();
    await db.dropDatabase();
  }
}

function run(called: 'deploy' | 'rehearse', migration: string, event = 'push'): Promise<WorkflowResult> {
  const inputs = called === 'deploy' ? { database, 'base-url': service.url } : { database };
  return runWorkflow({
    files: repository(called, { 'migrations/20260101000000-change-orders.cjs': migration }, inputs),
    workflow,
    event,
    secrets: { MONGODB_URI: sharedUri(), GITHUB_TOKEN: 'token-of-the-job' },
    env: { GITHUB_API_URL: github.url },
  });
}

/** All documents and indexes of the orders in one hash, without any code of the actions. */
async function contentOf(): Promise<string> {
  const orders = connection.client.db(database).collection('orders');
  const hashes: string[] = [];
  for await (const raw of orders.find({}, { raw: true }))
    hashes.push(
      createHash('sha256')
        .update(raw as unknown as Buffer)
        .digest('hex'),
    );
  return JSON.stringify([hashes.sort(), await orders.indexes()]);
}

describe('deploy.yml', () => {
  test('a good release goes through every stage and is in the database', async () => {
    await withService(async () => {
      const result = await run('deploy', addsField);
      expect(result).toMatchObject({ exitCode: 0, steps: { backup: 'success', rehearse: 'success', apply: 'success' } });
      expect(result.steps).toMatchObject({ verify: 'success', smoke: 'success', report: 'success' });
      expect(result.steps['rollback']).not.toBe('success');
      expect(JSON.parse(result.outputs['apply']?.['applied'] ?? '[]')).toEqual(['20260101000000-change-orders.cjs']);
      expect(await connection.client.db(database).collection('orders').countDocuments({ currency: 'EUR' })).toBe(500);
      expect(result.summary).toContain('Migrate');
    });
  });

  test('a release that breaks the application is rolled back by itself, and the job is red', async () => {
    await withService(async () => {
      const before = await contentOf();
      const result = await run('deploy', renamesField);
      expect(result.exitCode).toBe(1);
      expect(result.steps).toMatchObject({ apply: 'success', smoke: 'failure', rollback: 'success', report: 'success' });
      expect(result.outputs['rollback']?.['proof']).toMatch(/\w/);
      expect(await contentOf()).toBe(before);
    });
  });

  test('a migration that fails in the rehearsal never reaches the target', async () => {
    await withService(async () => {
      const before = await contentOf();
      const result = await run('deploy', throwsOnRealData);
      expect(result.exitCode).toBe(1);
      expect(result.steps).toMatchObject({ backup: 'success', rehearse: 'failure', report: 'success' });
      expect(result.steps['apply']).not.toBe('success');
      expect(await contentOf()).toBe(before);
      expect(await connection.client.db(database).listCollections({ name: 'changelog' }).toArray()).toEqual([]);
    });
  });

  test('no log line and no summary holds the connection string', async () => {
    await withService(async () => {
      const { log, summary } = await run('deploy', addsField);
      expect(summary).not.toContain(sharedUri());
      expect(log.replaceAll(/^.*add-mask.*$/gm, '')).not.toContain(sharedUri());
    });
  });
});

describe('rehearse.yml', () => {
  test('rehearses on a copy, gives the hash of the plan and leaves the target alone', async () => {
    await withService(async () => {
      const before = await contentOf();
      const result = await run('rehearse', addsField, 'pull_request');
      expect(result.exitCode).toBe(0);
      expect(result.outputs['rehearse']?.['plan-hash']).toMatch(/^[\w:-]{16,}$/);
      expect(sent).toMatchObject([
        { to: expect.stringMatching(/^POST .*\/check-runs$/), body: { name: 'Migration rehearsal', conclusion: 'success' } },
      ]);
      expect(await contentOf()).toBe(before);
    });
  });

  test('takes no backup when no migration is pending', async () => {
    await withService(async () => {
      await run('deploy', addsField);
      const result = await run('rehearse', addsField, 'pull_request');
      expect(result.exitCode).toBe(0);
      expect(result.steps).toMatchObject({ status: 'success', report: 'success' });
      expect(Object.keys(result.steps)).not.toEqual(expect.arrayContaining(['backup']));
      expect(Object.keys(result.steps)).not.toEqual(expect.arrayContaining(['rehearse']));
    });
  });
});
