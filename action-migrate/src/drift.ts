import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describeDrift, driftOf } from '@migration-guard/shared/migration/drift/drift';
import { resolutionsOf } from '@migration-guard/shared/migration/drift/resolution';
import { leftStructure, readStructure } from '@migration-guard/shared/migration/drift/structure';
import type { Finding } from '@migration-guard/shared/report/run-report';
import type { MigrateContext } from './contract.ts';
import type { Target } from './target.ts';

/**
 * Compares indexes, validators, options and views of the target with what the last run left, and offers a migration for each way to settle
 * what differs. It only reads.
 */
export async function findDrift({ db }: Pick<Target, 'db'>, context: MigrateContext): Promise<readonly Finding[]> {
  const { settings, stage, log, runFolder, now, signal } = context;
  const severity = settings.drift;
  if (severity === 'off') return [];
  const left = await leftStructure(db);
  if (left === undefined) return [];
  const drifts = driftOf(left.collections, await readStructure(db, signal));
  if (drifts.length === 0) return [];
  const folder = path.join(runFolder, 'drift');
  await mkdir(folder, { recursive: true });
  for (const { name, text } of resolutionsOf(drifts, now())) await writeFile(path.join(folder, name), text);
  const findings = drifts.map((drift): Finding => ({ severity, rule: 'migration/drift', message: describeDrift(drift) }));
  for (const finding of findings) {
    stage.finding(finding);
    log[severity](`${finding.rule}: ${finding.message}`);
  }
  stage.figure('Last run', `${left.run}, ${left.takenAt.toISOString()}`);
  stage.nextStep(`Read the two migrations in ${folder}: one adopts the change, the other takes it back. Commit the one that is right.`);
  return findings;
}
