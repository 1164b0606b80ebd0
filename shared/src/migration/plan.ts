import { createHash } from 'node:crypto';
import path from 'node:path';
import { z } from 'zod';
import { defineDocument, type DocumentFormat } from '../documents/document.ts';
import { GuardError } from '../errors/guard-error.ts';
import type { MigrationFile } from './files.ts';
import type { AppliedMigration } from './history/history.ts';
import type { LintFinding } from './lint/run.ts';
import { knownPrecheckSchema } from './prechecks/known.ts';

const schema = z.strictObject({
  version: z.literal(1),
  /** Hash of everything that decides what a run does: target, history, files, their content and order, and what is known of them. */
  hash: z.string(),
  /** ISO 8601. */
  createdAt: z.string(),
  database: z.string(),
  /** The migrations that were applied already, oldest first. */
  history: z.array(z.string()),
  /** Of the target: SHA-256 of which file was applied there at which time. Another database with the same files has another one. */
  target: z.string().exactOptional(),
  files: z.array(z.strictObject({ name: z.string(), hash: z.string() })),
  /** What the static rules find in the files, for example `MD103 warning migrations/1.js:3`. */
  findings: z.array(z.string()).exactOptional(),
  rehearsal: z
    .strictObject({
      result: z.enum(['passed', 'warned', 'failed', 'inconclusive']),
      /** Where: `ephemeral`, `same-server`, `uri`. */
      on: z.string(),
      backup: z.string(),
      findings: z.number(),
      /** Collections that the files touched, by the names before and after. */
      touched: z.array(z.string()).exactOptional(),
      /** When the backup was taken from which the copy was made, ISO 8601. */
      takenAt: z.string().exactOptional(),
      /** What `apply` asks the target right before its first write. */
      prechecks: z.array(knownPrecheckSchema).exactOptional(),
    })
    .exactOptional(),
});

/** What is going to be applied, and how its rehearsal ended. Lies in the run folder as `plan.json`. */
export type Plan = z.infer<typeof schema>;

export const planDocument: DocumentFormat<Plan> = defineDocument('plan', 1, schema);

export function planFile(runFolder: string): string {
  return path.join(runFolder, 'plan.json');
}

export interface PlanParts {
  readonly database: string;
  /** Of the target, oldest first. */
  readonly history: readonly Pick<AppliedMigration, 'fileName' | 'appliedAt'>[];
  /** In the order in which they run; beside files also other steps. */
  readonly files: readonly Pick<MigrationFile, 'name' | 'hash'>[];
  /** Of the static rules, about the files. */
  readonly findings: readonly LintFinding[];
}

export function makePlan({ database, history, files, findings }: PlanParts, now: Date): Plan {
  const parts = {
    database,
    history: history.map(({ fileName }) => fileName),
    target: sha256(history.map(({ fileName, appliedAt }) => [fileName, appliedAt.getTime()])),
    files: files.map(({ name, hash }) => ({ name, hash })),
    findings: findings.map(({ code, severity, file, line }) => `${code} ${severity} ${file}:${line}`),
  };
  return { version: 1, hash: sha256(parts), createdAt: now.toISOString(), ...parts };
}

function sha256(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex');
}

/** Throws `plan/changed` when `plan` is not the one that was approved; what differs is said where the run folder holds the approved one. */
export async function requireHash(plan: Plan, approved: string, runFolder: string): Promise<void> {
  if (plan.hash === approved) return;
  const known = await planDocument.read(planFile(runFolder)).catch(() => undefined);
  const why = known?.hash === approved ? `: ${differences(known, plan).join('; ')}` : '';
  throw new GuardError('plan/changed', `The plan ${plan.hash} is not the approved plan ${approved}${why}.`);
}

export interface RequiredRehearsal {
  readonly runFolder: string;
  /** Oldest backup from which the copy may have been made, milliseconds. */
  readonly maxAge: number | undefined;
  readonly now: Date;
}

/** Throws `plan/not-rehearsed` unless exactly this plan was rehearsed on a copy that is young enough, and passed, by the plan in the run folder. */
export async function requireRehearsal(plan: Plan, { runFolder, maxAge, now }: RequiredRehearsal): Promise<void> {
  const rehearsed = await planDocument.read(planFile(runFolder)).catch((error: unknown) => {
    if (error instanceof GuardError && error.code === 'document/not-found') {
      throw new GuardError('plan/not-rehearsed', `No rehearsal left a plan in ${runFolder}.`, { cause: error });
    }
    throw error;
  });
  if (rehearsed.rehearsal === undefined)
    throw new GuardError('plan/not-rehearsed', 'The plan in the run folder was made but not rehearsed.');
  if (rehearsed.rehearsal.result !== 'passed' && rehearsed.rehearsal.result !== 'warned') {
    throw new GuardError('plan/not-rehearsed', `The rehearsal of this plan ended with ${rehearsed.rehearsal.result}.`);
  }
  if (rehearsed.hash !== plan.hash) {
    throw new GuardError('plan/changed', `What was rehearsed is not what would be applied (${differences(rehearsed, plan).join('; ')}).`);
  }
  const { takenAt = rehearsed.createdAt } = rehearsed.rehearsal;
  if (maxAge !== undefined && now.getTime() - Date.parse(takenAt) > maxAge)
    throw new GuardError('plan/not-rehearsed', `The plan was rehearsed on a copy of ${takenAt}, which is older than \`max-age\` allows.`);
}

/** The collections that exactly this plan touched in its rehearsal; nothing when it was not rehearsed, or not to its end. */
export async function touchedInRehearsal(plan: Plan, runFolder: string): Promise<readonly string[] | undefined> {
  const rehearsed = await planDocument.read(planFile(runFolder)).catch(() => undefined);
  const { result, touched } = rehearsed?.rehearsal ?? {};
  return rehearsed?.hash === plan.hash && (result === 'passed' || result === 'warned') ? touched : undefined;
}

/** What is not as it was; at least one sentence for two hashes that differ. */
function differences(known: Plan, plan: Plan): readonly string[] {
  const before = new Map(known.files.map(({ name, hash }) => [name, hash]));
  const files = plan.files.filter(({ name, hash }) => before.get(name) !== hash).map(({ name }) => name);
  const gone = known.files.map(({ name }) => name).filter((name) => !plan.files.some((file) => file.name === name));
  const findings = (plan.findings ?? []).filter((finding) => known.findings?.includes(finding) !== true);
  const sameFiles = known.history.join() === plan.history.join();
  const found = [
    ...(known.database === plan.database ? [] : [`database ${known.database}, now ${plan.database}`]),
    ...(files.length === 0 ? [] : [`not there in this form: ${files.join(', ')}`]),
    ...(gone.length === 0 ? [] : [`there, but not to be applied: ${gone.join(', ')}`]),
    ...(sameFiles ? [] : ['the history of the target is another one']),
    ...(sameFiles && known.target !== plan.target ? ['the same files were applied at other times: it is another database'] : []),
    ...(findings.length === 0 ? [] : [`not found then: ${findings.join(', ')}`]),
  ];
  return found.length === 0 ? ['the order or the findings of the files are others'] : found;
}
