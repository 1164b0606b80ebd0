import { cp, mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { StepResult } from '@migration-guard/shared/testing/action-runner';
import type { Marketplace } from './marketplace.ts';
import { DemoFailure, startPipeline, type Pipeline, type StageCall } from './pipeline.ts';
import { addedSince, differencesBetween, fingerprintOf, totalDocuments, without, type Fingerprint } from './proof.ts';
import type { Timeline } from './timeline.ts';
import { judgeAdded, startTraffic, type Visits } from './traffic.ts';

export interface Stagecraft {
  readonly market: Marketplace;
  readonly timeline: Timeline;
  readonly signal: AbortSignal;
  /** Folder for the pages. */
  readonly reportFolder: string;
  readonly withoutRollback: boolean;
}

/** A good release: every stage is green. */
export async function actOne(craft: Stagecraft): Promise<void> {
  const { market, timeline } = craft;
  timeline.act('Act 1: a good release', 'Three migrations (CommonJS, ES module, TypeScript) go through the whole pipeline.');
  await market.merge('good');
  await using pipeline = await workflow(craft, { runId: '1001', name: 'Deploy' });
  const backupId = await backUp(pipeline, market);
  await pipeline.run(rehearse(market, backupId, 'success'));
  const point = await migrate(pipeline, market, { 'backup-id': backupId, 'require-rehearsal': 'true' });
  await pipeline.run(verify(market, point, 'success'));
  await pipeline.run(smoke(market, 'success'));
  await report(pipeline, craft, 'act-1.html');
}

/** A bad release: the rehearsal catches it; let through all the same, it is rolled back and that is proven. */
export async function actTwo(craft: Stagecraft): Promise<void> {
  const { market, timeline } = craft;
  timeline.act('Act 2: a bad release', 'One migration that passes on an empty database, deletes a third of the orders and breaks the API.');
  await market.merge('bad');
  await pullRequest(craft);
  timeline.act('Act 2, continued: the gate is switched off', 'The same migration is let through to production.');
  const before = await takeFingerprint(craft, 'the demo counts');
  const visits = await badRelease(craft);
  await prove(craft, before, visits);
}

async function pullRequest(craft: Stagecraft): Promise<void> {
  const { market, timeline } = craft;
  await using pipeline = await workflow(craft, { runId: '1002', name: 'Rehearse', eventName: 'pull_request' });
  const backupId = await backUp(pipeline, market);
  await pipeline.run(rehearse(market, backupId, 'failure'));
  timeline.detail('This is where a release ends: nothing has touched production.');
}

/** Customers do not wait for a release: all the time they register and order, and what was confirmed to them must survive the rollback. */
async function badRelease(craft: Stagecraft): Promise<Visits> {
  const { market } = craft;
  await using pipeline = await workflow(craft, { runId: '1003', name: 'Deploy' });
  const backupId = await backUp(pipeline, market);
  const traffic = startTraffic(market.service);
  try {
    const point = await migrate(pipeline, market, { 'backup-id': backupId, 'require-rehearsal': 'false' });
    await pipeline.run(verify(market, point, 'failure'));
    await pipeline.run(smoke(market, 'failure'));
    if (!craft.withoutRollback) {
      await pipeline.run(rollBack(market, point));
      await checkApplication(craft);
    }
  } finally {
    await traffic.end();
  }
  await report(pipeline, craft, 'index.html');
  return traffic.end();
}

function workflow(craft: Stagecraft, run: { runId: string; name: string; eventName?: string }): Promise<Pipeline> {
  const { market, timeline, signal } = craft;
  const env = { GITHUB_RUN_ID: run.runId, GITHUB_WORKFLOW: run.name, TMPDIR: process.env['TMPDIR'] ?? '' };
  return startPipeline({ job: { workspace: market.workspace, env, eventName: run.eventName ?? 'push' }, timeline, signal });
}

async function backUp(pipeline: Pipeline, market: Marketplace): Promise<string> {
  const { outputs } = await pipeline.run({
    action: 'backup',
    name: 'backup',
    inputs: { mode: 'create', uri: market.uri, store: market.store },
    expected: 'success',
    describe: ({ documents, bytes, consistency }) => `${count(documents)} documents, ${megabytes(bytes)}, consistency: ${consistency}`,
  });
  return outputs['backup-id'] ?? '';
}

function rehearse(market: Marketplace, backupId: string, expected: StageCall['expected']): StageCall {
  return {
    action: 'migrate',
    name: 'rehearse on a copy',
    inputs: { mode: 'rehearse', uri: market.uri, store: market.store, 'backup-id': backupId },
    expected,
    describe: ({ pending }) => `${listText(pending)}${expected === 'success' ? ': up, verify, down, compare, up' : ''}`,
  };
}

/** Applies the migrations and returns the path of the rollback point. */
async function migrate(pipeline: Pipeline, market: Marketplace, more: Readonly<Record<string, string>>): Promise<string> {
  const { outputs } = await pipeline.run({
    action: 'migrate',
    name: 'migrate',
    inputs: { mode: 'apply', uri: market.uri, store: market.store, ...more },
    expected: 'success',
    describe: ({ applied }) => `applied ${listText(applied)}`,
  });
  return outputs['rollback-point'] ?? '';
}

function verify(market: Marketplace, point: string, expected: StageCall['expected']): StageCall {
  return {
    action: 'verify',
    name: 'verify',
    inputs: { mode: 'verify', uri: market.uri, 'rollback-point': point },
    expected,
    describe: (outputs) => {
      const failed = outputs['checks-failed'] ?? '0';
      return `${outputs['checks-passed']} checks passed${failed === '0' ? '' : `, ${failed} failed, decision: ${outputs['decision']}`}`;
    },
  };
}

function smoke(market: Marketplace, expected: StageCall['expected']): StageCall {
  return {
    action: 'loadtest',
    name: 'smoke test',
    inputs: { mode: 'smoke', 'base-url': market.service },
    expected,
    describe: ({ verdict, severity }) => `verdict ${verdict}${severity === 'none' ? '' : `, severity ${severity}`}`,
  };
}

function rollBack(market: Marketplace, point: string): StageCall {
  return {
    action: 'rollback',
    name: 'rollback',
    inputs: {
      mode: 'apply',
      uri: market.uri,
      'rollback-point': point,
      store: market.store,
      'stop-command': market.command('stop'),
      'start-command': market.command('start'),
    },
    expected: 'success',
    describe: ({ rung, proof }) => `application stopped, data back by ${rung}, application started; proof by digest: ${proof}`,
  };
}

/** The rollback must have started the application again. */
async function checkApplication({ market, timeline }: Stagecraft): Promise<void> {
  const started = performance.now();
  const healthy = await fetch(`${market.service}/health`).then(
    (response) => response.ok,
    () => false,
  );
  if (!healthy) throw new DemoFailure('The application does not run after the rollback.');
  timeline.step('good', 'application', { milliseconds: performance.now() - started, text: 'runs again' });
}

async function report(pipeline: Pipeline, { market, timeline, reportFolder }: Stagecraft, page: string): Promise<StepResult> {
  const { slack, mail } = market;
  const sent = [slack.headlines.length, mail.headlines.length] as const;
  const result = await pipeline.run({
    action: 'report',
    name: 'report',
    inputs: {
      uri: market.uri,
      'slack-webhook': slack.url,
      'smtp-url': mail.url,
      'email-to': 'on-call@example.org',
      'email-from': 'migration-guard@example.org',
    },
    expected: 'success',
    describe: () => `demo-report/${page}`,
  });
  const arrived = [slack.headlines.slice(sent[0]), mail.headlines.slice(sent[1])] as const;
  if (arrived.some((headlines) => headlines.length !== 1)) throw new DemoFailure('A message of the report did not arrive exactly once.');
  timeline.detail(`Slack got:  ${arrived[0].join()}`);
  timeline.detail(`e-mail got: ${arrived[1].join()}`);
  await mkdir(reportFolder, { recursive: true });
  await cp(result.outputs['html'] ?? '', path.join(reportFolder, page));
  return result;
}

async function takeFingerprint({ market, timeline }: Stagecraft, name: string): Promise<Fingerprint> {
  const started = performance.now();
  const fingerprint = await fingerprintOf(market.db);
  const text = `${count(totalDocuments(fingerprint))} documents in ${fingerprint.size} collections and views, hashed by its own means`;
  timeline.step('neutral', name, { milliseconds: performance.now() - started, text });
  return fingerprint;
}

/** The proof that counts: nothing of the tools that did the work is used. */
async function prove(craft: Stagecraft, before: Fingerprint, visits: Visits): Promise<void> {
  const after = await takeFingerprint(craft, 'the demo counts again');
  const added = await addedSince(craft.market.db, before);
  const differences = [...differencesBetween(before, without(after, added)), ...judgeAdded(added, visits)];
  if (differences.length > 0)
    throw new DemoFailure('The database is not what it was before the bad release, with what the customers wrote.', differences);
  const { confirmed, turnedAway } = visits;
  craft.timeline.detail(
    `Kept: ${confirmed.length} orders of customers that were confirmed meanwhile; ${turnedAway} customers found the shop closed.`,
  );
}

function count(text: string | number | undefined): string {
  return Number(text).toLocaleString('en');
}

function megabytes(bytes: string | undefined): string {
  return `${(Number(bytes) / 1e6).toFixed(1)} MB`;
}

/** The names in an output that is a JSON array, or their number where there are many. */
function listText(text = '[]'): string {
  const names = JSON.parse(text) as readonly string[];
  return names.length === 1 ? (names[0] ?? '') : `${names.length} migrations`;
}
