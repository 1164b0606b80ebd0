import type { Place } from '@migration-guard/shared/errors/guard-error';
import { formatBytes } from '@migration-guard/shared/log/format-bytes';
import type { ObservedTransaction, Statement } from '@migration-guard/shared/migration/observation';
import { seconds } from '@migration-guard/shared/migration/run';
import { describeField } from '@migration-guard/shared/rehearsal/describe-difference';
import type { CollectionEffects } from '@migration-guard/shared/rehearsal/effects';
import { describeHalfDone } from '@migration-guard/shared/rehearsal/half-done';
import type { PlanSeen } from '@migration-guard/shared/rehearsal/profile';
import type { Rehearsal, RehearsedFile } from '@migration-guard/shared/rehearsal/room';
import type { Stepped } from '@migration-guard/shared/rehearsal/stepping';
import type { Finding } from '@migration-guard/shared/report/run-report';
import type { MigrateContext } from './contract.ts';

const rowsShown = 50;
const fieldsShown = 8;

/** Tells what was proven, what each file did to the data, and how. */
export function tellRehearsal(context: MigrateContext, { files, reading }: Rehearsal): void {
  const { stage } = context;
  stage.figure('Collections read to compare', `${reading.collections}, in ${seconds(reading.milliseconds)}`);
  stage.table({
    title: 'Rehearsal',
    columns: ['File', 'up', 'down', 'up again', 'Failed in the middle'],
    rows: files.map(({ name, up, down, upAgain, halfDone }) => [
      name,
      ...[up, down, upAgain].map((time) => (time === undefined ? 'not run' : seconds(time))),
      halfDone === undefined ? 'not tried' : describeHalfDone(halfDone),
    ]),
  });
  stage.table({
    title: 'What up did',
    columns: ['File', 'Collection', 'Before', 'After', 'Documents', 'Fields', 'Structure'],
    rows: files.flatMap(effectRows),
  });
  const tables: readonly Shown[] = [
    { title: 'Samples of what changed', columns: ['File', 'Document', 'Changes'], rows: files.flatMap(sampleRows) },
    {
      title: 'Commands of up',
      columns: ['File', 'Line', 'Command', 'Times', 'Matched', 'Modified', 'Inserted', 'Deleted', 'Time', 'Plan'],
      rows: files.flatMap(commandRows),
    },
    {
      title: 'Transactions of up',
      columns: ['File', 'Line', 'Time', 'Commands', 'Documents', 'End'],
      rows: files.flatMap(transactionRows),
    },
    { title: 'Oplog of up', columns: ['File', 'Collection', 'Bytes'], rows: files.flatMap(oplogRows) },
    {
      title: 'Differs by nature, and is no fault',
      columns: ['File', 'What'],
      rows: files.flatMap(({ name, natural }) => natural.map((what) => [name, what])),
    },
  ];
  for (const one of tables) table(context, one);
}

interface Shown {
  readonly title: string;
  readonly columns: string[];
  readonly rows: string[][];
}

function table({ stage }: MigrateContext, { title, columns, rows }: Shown): void {
  if (rows.length === 0) return;
  const left = rows.length - rowsShown;
  const more = left > 0 ? [[`${left} more`, ...columns.slice(1).map(() => '')]] : [];
  stage.table({ title, columns, rows: [...rows.slice(0, rowsShown), ...more] });
}

/** Adds the findings to the report, and annotates them at their lines. */
export function tellFindings({ stage, log }: MigrateContext, findings: readonly Finding[]): void {
  for (const finding of findings) {
    stage.finding(finding);
    const write = { error: 'error', warning: 'warning', note: 'notice' } as const;
    log[write[finding.severity]](`${finding.rule}: ${finding.message}`, placeOfFinding(finding));
  }
}

function placeOfFinding({ place }: Finding): Place | undefined {
  if (place === undefined) return undefined;
  const { file, line, column } = place;
  return { file, ...(line === undefined ? {} : { line }), ...(column === undefined ? {} : { column }) };
}

function effectRows({ name, effects, up }: RehearsedFile): string[][] {
  if (up === undefined) return [];
  if (effects.length === 0) return [[name, '', '', '', '', '', 'nothing']];
  return effects.map((effect) => {
    const { collection, renamedFrom, before, after } = effect;
    const size = (side: typeof before): string => (side === undefined ? '–' : `${side.documents} (${formatBytes(side.bytes)})`);
    const shown = renamedFrom === undefined ? collection : `${renamedFrom}, now ${collection}`;
    return [name, shown, size(before), size(after), documentsText(effect), fieldsText(effect), structureText(effect)];
  });
}

function documentsText({ contents, before, after }: CollectionEffects): string {
  if (before === undefined) return 'new';
  if (after === undefined) return 'dropped';
  if (contents === undefined) return '';
  const { added, removed, changed, reordered } = contents;
  return Object.entries({ added, removed, changed: changed + reordered })
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `${count} ${what}`)
    .join(', ');
}

/** With the share of the documents that were changed there, of those that are there after. */
function fieldsText({ contents, after }: CollectionEffects): string {
  const fields = contents?.fields ?? [];
  const share = (documents: number): string => `${Math.round((documents / Math.max(after?.documents ?? 1, 1)) * 100)} %`;
  const told = fields.slice(0, fieldsShown).map((field) => `${describeField(field)} (${share(field.documents)})`);
  return [...told, ...(fields.length > fieldsShown ? [`${fields.length - fieldsShown} more`] : [])].join('; ');
}

function structureText({ indexesAdded, indexesRemoved, options }: CollectionEffects): string {
  const changed = options === undefined ? [] : Object.keys({ ...parsed(options.before), ...parsed(options.after) });
  const differs = changed.filter((key) => JSON.stringify(parsed(options?.before)[key]) !== JSON.stringify(parsed(options?.after)[key]));
  return [
    ...indexesAdded.map((index) => `index ${indexName(index)} added`),
    ...indexesRemoved.map((index) => `index ${indexName(index)} removed`),
    ...differs.map((key) => `option ${key} changed`),
  ].join('; ');
}

function parsed(extendedJson = '{}'): Record<string, unknown> {
  return JSON.parse(extendedJson) as Record<string, unknown>;
}

function indexName(index: string): string {
  return String(parsed(index)['name']);
}

function sampleRows({ name, effects }: RehearsedFile): string[][] {
  return effects.flatMap(({ collection, contents }) =>
    (contents?.samples ?? []).map(({ id, changes }) => [name, `${collection} ${id}`, changes.slice(0, fieldsShown).join('; ')]),
  );
}

function commandRows({ name, first }: RehearsedFile): string[][] {
  return (first?.observation.statements ?? []).map((statement) => {
    const { place, commands, matched, modified, inserted, deleted, milliseconds } = statement;
    const counts = [matched, modified, inserted, deleted].map((count) => (count === 0 ? '' : String(count)));
    return [name, lineOf(place), commandText(statement), String(commands), ...counts, seconds(milliseconds), planText(statement, first)];
  });
}

/** `update orders by status`, `createIndexes orders (status_1)`. */
function commandText({ command, collection, filter, definition }: Statement): string {
  const { indexes = [] } = parsed(definition) as { readonly indexes?: readonly { readonly name?: string }[] };
  const built = indexes.length === 0 ? '' : ` (${indexes.map((index) => index.name).join(', ')})`;
  return `${command} ${collection}${filter === '' ? '' : ` by ${filter}`}${built}`;
}

const planKinds: Readonly<Record<string, PlanSeen['kind']>> = {
  find: 'read',
  aggregate: 'read',
  count: 'read',
  distinct: 'read',
  update: 'update',
  findAndModify: 'update',
  delete: 'delete',
};

/** The plans of this collection and filter, with what they read. */
function planText({ collection, filter, command }: Statement, first: Stepped | undefined): string {
  const fits = (plan: PlanSeen): boolean =>
    plan.collection === collection && plan.kind === planKinds[command] && filter.split(' | ').includes(plan.filter);
  const plans = (first?.plans ?? []).filter(fits).slice(0, 3);
  return plans
    .map(({ plan, keysExamined, documentsExamined }) => `${plan}: ${keysExamined} keys, ${documentsExamined} documents read`)
    .join('; ');
}

function transactionRows({ name, first }: RehearsedFile): string[][] {
  const row = ({ place, milliseconds, commands, documents, committed }: ObservedTransaction): string[] => {
    return [name, lineOf(place), seconds(milliseconds), String(commands), String(documents), committed ? 'committed' : 'aborted'];
  };
  return (first?.observation.transactions ?? []).map(row);
}

function oplogRows({ name, first }: RehearsedFile): string[][] {
  return [...(first?.changes?.oplogBytes ?? [])].map(([collection, bytes]) => [name, collection, formatBytes(bytes)]);
}

function lineOf(place: { readonly line?: number } | undefined): string {
  return place?.line === undefined ? '' : String(place.line);
}
