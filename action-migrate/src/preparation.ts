import type { RehearsalSettings } from '@migration-guard/shared/config/rehearsal';
import type { History } from '@migration-guard/shared/migration/history/history';
import type { Copy } from '@migration-guard/shared/rehearsal/copy';
import type { Preparation } from '@migration-guard/shared/rehearsal/prepared-source';
import type { Finding } from '@migration-guard/shared/report/run-report';
import type { MigrateContext } from './contract.ts';

/** What the settings let into the copy; the history of the migrations always, or what is applied would be pending there. */
export function preparationOf({ sample, mask }: RehearsalSettings, { collection }: Pick<History, 'collection'>): Preparation {
  const untouched = [collection];
  if (mask === undefined) return { sample, untouched };
  const rules = Object.entries(mask.rules).map(([pattern, method]) => ({ pattern, method }));
  return { sample, mask: { detect: mask.detect, rules }, untouched };
}

/** Says in the report what of the backup the copy does not show, and returns what deserves a look. */
export function tellPreparation({ prepared }: Copy, { stage }: MigrateContext): readonly Finding[] {
  const { sampled, masked, emptied } = prepared;
  if (sampled !== undefined)
    stage.figure('Sample', `${sampled.documents.toLocaleString('en')} of ${sampled.of.toLocaleString('en')} documents`);
  if (masked.length > 0)
    stage.table({
      title: 'Masked in the copy',
      columns: ['Field', 'How', 'Values'],
      rows: masked.map(({ collection, path, method, values }) => [`${collection}.${path}`, method, values.toLocaleString('en')]),
    });
  const note = (rule: string, message: string): Finding => ({ severity: 'note', rule, message });
  return [
    ...(sampled === undefined
      ? []
      : [note('rehearsal/sample', 'The rehearsal ran on a sample: what is rare in the database may not have been in it.')]),
    ...(sampled?.complete === false
      ? [
          note(
            'rehearsal/sample-incomplete',
            'Some documents of the sample refer to documents that are not in it: the chain of references is too long.',
          ),
        ]
      : []),
    ...(emptied.length === 0
      ? []
      : [note('rehearsal/emptied', `Empty in the masked copy, because time series cannot be masked: ${emptied.join(', ')}.`)]),
  ];
}
