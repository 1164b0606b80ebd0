import { derivePrechecks } from '@migration-guard/shared/migration/prechecks/derive';
import { findingsOnCopy, type KnownPrecheck } from '@migration-guard/shared/migration/prechecks/known';
import { runPrechecks } from '@migration-guard/shared/migration/prechecks/run';
import type { Copy } from '@migration-guard/shared/rehearsal/copy';
import { measureNeeds } from '@migration-guard/shared/rehearsal/forecast/needs';
import type { RehearsalOptions } from '@migration-guard/shared/rehearsal/room';
import type { Finding } from '@migration-guard/shared/report/run-report';
import type { MigrateContext } from './contract.ts';

/** Time for one question to the data, milliseconds. */
export const precheckTime = 60_000;

export interface Foresight {
  readonly inspect: NonNullable<RehearsalOptions['inspect']>;
  /** The questions that `apply` asks the target once more. */
  readonly prechecks: () => readonly KnownPrecheck[];
  /** What they found on the copy of a migration that failed. */
  readonly findings: () => readonly Finding[];
}

/**
 * Finds the questions that a migration raises. Those to the data are put to the copy, as it was before the migration, or as the failed one
 * left it; those about the server are for the target.
 */
export function openForesight({ client, database }: Copy, { now, signal }: MigrateContext): Foresight {
  const db = client.db(database);
  const known: KnownPrecheck[] = [];
  const findings: Finding[] = [];
  return {
    async inspect({ steps, files, state }) {
      if (state === 'after up') {
        known.push(...(await measureNeeds(db, files)).map((check) => ({ check })));
        return;
      }
      const checks = steps.flatMap(({ file, observation }) => derivePrechecks(file.name, database, observation));
      if (state === 'not as before') {
        known.push(...checks.map((check) => ({ check })));
        return;
      }
      const answers = await runPrechecks({ db, checks, now: now(), signal, timeout: precheckTime });
      if (state === 'failed') findings.push(...findingsOnCopy(answers));
      else known.push(...answers.map(({ check, found }) => ({ check, ...(found === undefined ? {} : { foundOnCopy: found }) })));
    },
    prechecks: () => known,
    findings: () => findings,
  };
}
