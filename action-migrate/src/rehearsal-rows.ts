import { formatBytes } from '@migration-guard/shared/log/format-bytes';
import type { ObservedTransaction, Statement } from '@migration-guard/shared/migration/observation';
import { seconds } from '@migration-guard/shared/migration/run';
import { describeField } from '@migration-guard/shared/rehearsal/describe-difference';
import type { CollectionEffects } from '@migration-guard/shared/rehearsal/effects';
import type { PlanSeen } from '@migration-guard/shared/rehearsal/profile';
import type { RehearsedFile } from '@migration-guard/shared/rehearsal/room';
import type { Stepped } from '@migration-guard/shared/rehearsal/stepping';

const fieldsShown = 8;

/** What `up` did to each collection. */
export function effectRows({ name, effects, up }: RehearsedFile): string[][] {
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

/** Single documents, before and after. */
export function sampleRows({ name, effects }: RehearsedFile): string[][] {
  return effects.flatMap(({ collection, contents }) =>
    (contents?.samples ?? []).map(({ id, changes }) => [name, `${collection} ${id}`, changes.slice(0, fieldsShown).join('; ')]),
  );
}

/** What `up` sent, and how the server answered it. */
export function commandRows({ name, first }: RehearsedFile): string[][] {
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

/** Transactions of `up`. */
export function transactionRows({ name, first }: RehearsedFile): string[][] {
  const row = ({ place, milliseconds, commands, documents, committed }: ObservedTransaction): string[] => {
    return [name, lineOf(place), seconds(milliseconds), String(commands), String(documents), committed ? 'committed' : 'aborted'];
  };
  return (first?.observation.transactions ?? []).map(row);
}

/** Bytes that `up` wrote to the oplog, by collection. */
export function oplogRows({ name, first }: RehearsedFile): string[][] {
  return [...(first?.changes?.oplogBytes ?? [])].map(([collection, bytes]) => [name, collection, formatBytes(bytes)]);
}

function lineOf(place: { readonly line?: number } | undefined): string {
  return place?.line === undefined ? '' : String(place.line);
}
