import path from 'node:path';
import { runConfiguredChecks } from '@migration-guard/shared/checks/evaluate';
import { readConfiguredChecks } from '@migration-guard/shared/config/configured-checks';
import { takeCensus } from '@migration-guard/shared/mongo/census';
import type { Copy } from '@migration-guard/shared/rehearsal/copy';
import type { Finding } from '@migration-guard/shared/report/run-report';
import type { MigrateContext, MigrateInputs } from './contract.ts';

/**
 * Runs the checks of the section `verify` on the copy as the last `up` left it: what fails here would fail after `apply`. A sample cannot
 * answer how many documents match.
 */
export async function checkCopy(copy: Copy, { config }: MigrateInputs, context: MigrateContext): Promise<readonly Finding[]> {
  const { stage, signal, workspace } = context;
  const checks = await readConfiguredChecks(config, path.relative(workspace, config));
  if (checks === undefined) return [];
  const census = await takeCensus(copy.client, copy.database, { digests: false, signal });
  const asked = copy.prepared.sampled === undefined ? checks : { ...checks, queries: [] };
  const results = await runConfiguredChecks(asked, { db: copy.client.db(copy.database), census, signal });
  const failed = results.filter(({ status }) => status === 'failed');
  if (results.length > 0)
    stage.figure('Checks of the section verify after up', `${results.length - failed.length} passed, ${failed.length} failed`);
  return failed.map(({ rule, subject, expected, found }) => ({
    severity: 'error',
    rule,
    message: `After the last up, ${subject}: expected ${expected}, found ${found}.`,
  }));
}
