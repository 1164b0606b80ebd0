// npm run demo [-- --without-rollback]: a good release and a bad one on an embedded replica set, with the built actions.
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { actOne, actTwo } from './acts.ts';
import { openMarketplace } from './marketplace.ts';
import { DemoFailure } from './pipeline.ts';
import { startTimeline } from './timeline.ts';

const repository = path.resolve(import.meta.dirname, '..');
const actions = ['backup', 'migrate', 'verify', 'rollback', 'loadtest', 'report'];

const { values: options } = parseArgs({ options: { 'without-rollback': { type: 'boolean', default: false } } });
const timeline = startTimeline(process.stdout, () => performance.now());
const interrupt = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(name, () => interrupt.abort(new DemoFailure(`${name}: the demo was interrupted; everything it started is stopped.`)));
}

const folder = await mkdtemp(path.join(tmpdir(), 'migration-guard-demo-'));
// Whatever is started keeps its temporary files in here, so that a killed action leaves nothing behind either.
process.env['TMPDIR'] = folder;
try {
  timeline.title('Migration Guard: backup, rehearsal, migration, verification, smoke test, rollback, report');
  await play();
  const page = path.relative(process.cwd(), path.join(repository, 'demo-report', 'index.html'));
  timeline.end('good', `rolled back, proven: the database is what it was before the bad release. The report: ${page}`);
} catch (error) {
  const failure = interrupt.signal.aborted ? (interrupt.signal.reason as unknown) : firstOf(error);
  const { message, lines } = failure instanceof DemoFailure ? failure : broken(failure);
  timeline.end('bad', message);
  for (const line of lines) timeline.detail(line);
  process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}
process.exit();

/** What went wrong first, where cleaning up afterwards failed too. */
function firstOf(error: unknown): unknown {
  return error instanceof SuppressedError ? firstOf(error.suppressed) : error;
}

/** An error that the demo does not foresee: its stack, without the documents and topologies that drivers attach. */
function broken(error: unknown): DemoFailure {
  const [message = '', ...lines] = (error instanceof Error ? (error.stack ?? error.message) : String(error)).split('\n');
  return new DemoFailure(`The demo broke: ${message}`, lines);
}

async function play(): Promise<void> {
  const missing = actions.filter((name) => !existsSync(path.join(repository, `action-${name}`, 'dist', 'index.js')));
  if (missing.length > 0) throw new DemoFailure(`Not built yet: ${missing.join(', ')}. Run npm run build first.`);
  await using market = await openMarketplace(folder, timeline);
  const { signal } = interrupt;
  const craft = {
    market,
    timeline,
    signal,
    reportFolder: path.join(repository, 'demo-report'),
    withoutRollback: options['without-rollback'],
  };
  await actOne(craft);
  await actTwo(craft);
}
