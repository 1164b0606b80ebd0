import type { Refusal } from '../migration/worker/fence/policy.ts';
import { placeOfFault } from '../migration/fault-place.ts';
import type { Finding } from '../report/run-report.ts';
import type { Stepped } from './stepping.ts';
import { wrongCollections } from './wrong-collection.ts';

export interface UpSeen {
  readonly step: Stepped;
  /** Names of the collections that were there before. */
  readonly existing: readonly string[];
  readonly changedNothing: boolean;
  readonly workspace: string;
  /** The file, relative to the workspace. */
  readonly place: { readonly file: string };
}

/** What one `up` that ended well did wrong all the same. Pure. */
export function judgeUp({ step, existing, changedNothing, place }: UpSeen): readonly Finding[] {
  const { name } = step.file;
  const { unawaited = [], warnings = [] } = step.done ?? {};
  const wrong = wrongCollections(step.observation, existing);
  const findings: Finding[] = wrong.map(({ collection, meant, line }) => ({
    severity: 'error',
    rule: 'rehearsal/wrong-collection',
    message: `${name} writes to the collection ${collection}, which was not there: was ${meant} meant? If it is new on purpose, create it with createCollection.`,
    place: { ...place, ...(line === undefined ? {} : { line }) },
  }));
  if (unawaited.length > 0) {
    const what = unawaited.map((write) => write.what).slice(0, 3);
    const message = `up of ${name} returned while ${unawaited.length} writes were still under way (${what.join(', ')}): an await is missing, and their errors are lost.`;
    findings.push({ severity: 'error', rule: 'rehearsal/unawaited-writes', message, place });
  }
  if (changedNothing)
    findings.push({ severity: 'warning', rule: 'rehearsal/changed-nothing', message: `up of ${name} changed nothing on the copy.`, place });
  const told = warnings.filter((warning) => !/still under way|were not awaited|writes failed/.test(warning));
  return [
    ...findings,
    ...told.map((warning): Finding => ({ severity: 'warning', rule: 'rehearsal/warning', message: `${name}: ${warning}`, place })),
  ];
}

const rules: Readonly<Record<Refusal['kind'], string>> = {
  host: 'rehearsal/outside-copy',
  database: 'rehearsal/outside-copy',
  program: 'rehearsal/outside-copy',
  thread: 'rehearsal/outside-copy',
  drop: 'MD101',
  users: 'MS609',
};

/** One error for each target that a migration tried to reach and that is not the copy. Pure. */
export function judgeRefusals(refusals: readonly Refusal[], workspace: string): readonly Finding[] {
  return refusals.map((refusal) => {
    const place = placeOfFault(refusal, workspace);
    const where = place === undefined ? 'A migration' : `${place.file}${place.line === undefined ? '' : ` line ${place.line}`}`;
    const message = `${where} ${attempts[refusal.kind](refusal.target)}`;
    return { severity: 'error', rule: rules[refusal.kind], message, ...(place === undefined ? {} : { place }) };
  });
}

const attempts: Readonly<Record<Refusal['kind'], (target: string) => string>> = {
  host: (target) =>
    `connects to ${target}, which is not the copy; it was refused. Use the db that up is given, name the host under rehearsal: map-hosts (a MongoDB server that the copy stands for), or under allow-hosts.`,
  database: (target) =>
    `uses ${target}, which is not part of the copy; it was refused. Use the db that up is given, or name the database under rehearsal: map-databases.`,
  drop: (target) => `drops the database ${target}; it was refused. Drop collections one by one, after they were backed up.`,
  users: (target) => `sends ${target}, which changes users or roles of the whole server; it was refused. Do that outside of migrations.`,
  program: (target) => `starts the program ${target}, which could reach anything; it was refused. Name it under rehearsal: allow-programs.`,
  thread: (target) => `starts the thread ${target}, which could reach anything; it was refused. Do the work in up itself.`,
};
