import type { Place } from '@migration-guard/shared/errors/guard-error';
import { seconds } from '@migration-guard/shared/migration/run';
import { describeHalfDone } from '@migration-guard/shared/rehearsal/half-done';
import type { Rehearsal } from '@migration-guard/shared/rehearsal/room';
import type { Finding } from '@migration-guard/shared/report/run-report';
import type { MigrateContext } from './contract.ts';
import { commandRows, effectRows, oplogRows, sampleRows, transactionRows } from './rehearsal-rows.ts';

const rowsShown = 50;

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
