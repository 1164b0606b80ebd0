import { parseExtendedJson, toExtendedJson, toRaw } from '../../mongo/extended-json.ts';
import type { Drift } from './drift.ts';

/** A migration file that settles drift, one way or the other. */
export interface Resolution {
  readonly name: string;
  readonly text: string;
}

/** What a step does to the database: a command in Extended JSON, or a sentence where only a person can decide. */
type Step = { readonly command: string } | { readonly byHand: string };

/**
 * Two files to choose from: `adopt` makes of other databases what was found in this one, and is applied here without an effect; `revert`
 * puts back what the last run left. Collections with documents are never dropped by them.
 */
export function resolutionsOf(drifts: readonly Drift[], now: Date): readonly [Resolution, Resolution] {
  const stamp = now.toISOString().replace(/\D/g, '').slice(0, 14);
  const towards = (to: 'left' | 'found'): readonly Step[] => drifts.flatMap((drift) => stepsOf(drift, to));
  return [
    {
      name: `${stamp}-adopt-drift.js`,
      text: fileOf('Makes part of the history what was changed by hand.', towards('found'), towards('left')),
    },
    { name: `${stamp}-revert-drift.js`, text: fileOf('Takes back what was changed by hand.', towards('left'), towards('found')) },
  ];
}

function stepsOf(drift: Drift, to: 'left' | 'found'): readonly Step[] {
  const wanted = drift[to];
  const present = drift[to === 'left' ? 'found' : 'left'];
  if (drift.what === 'index') return indexSteps(drift, wanted, present);
  if (drift.what === 'collection') return collectionSteps(drift, wanted);
  return wanted === undefined ? [] : optionSteps(drift, wanted, present);
}

function indexSteps({ collection, index = '' }: Drift, wanted: string | undefined, present: string | undefined): readonly Step[] {
  const drop: readonly Step[] = present === undefined ? [] : [command({ dropIndexes: collection, index })];
  const create: readonly Step[] =
    wanted === undefined ? [] : [command({ createIndexes: collection, indexes: [parseExtendedJson(wanted)] })];
  return [...drop, ...create];
}

/** Options that `collMod` can change; a collection has to be made anew for the others. */
const changeable = new Set(['validator', 'validationLevel', 'validationAction', 'viewOn', 'pipeline', 'expireAfterSeconds']);

function optionSteps({ collection, type }: Drift, wanted: string, present: string | undefined): readonly Step[] {
  const to = parseExtendedJson(wanted);
  const from = parseExtendedJson(present ?? '{}');
  const changed = [...new Set([...to.keys(), ...from.keys()])].filter((key) => textOf(to.get(key)) !== textOf(from.get(key)));
  const fixed = changed.filter((key) => !changeable.has(key));
  if (fixed.length > 0) return [{ byHand: `${collection}: ${fixed.join(', ')} cannot be changed; the ${type} has to be made anew.` }];
  // A view takes both of its parts together.
  const keys = type === 'view' ? ['viewOn', 'pipeline'] : changed;
  const values = keys.map((key) => [key, to.get(key) ?? defaults.get(key)] as const);
  return [command({ collMod: collection, ...Object.fromEntries(values) })];
}

/** What an option is when it was never given. */
const defaults = new Map<string, unknown>([
  ['validator', new Map()],
  ['validationLevel', 'strict'],
  ['validationAction', 'error'],
  ['expireAfterSeconds', 'off'],
]);

function collectionSteps({ collection, type }: Drift, wanted: string | undefined): readonly Step[] {
  if (wanted !== undefined) return [command({ create: collection, ...Object.fromEntries(parseExtendedJson(wanted)) })];
  if (type === 'view') return [command({ drop: collection })];
  return [{ byHand: `${collection}: dropping it would drop its documents.` }];
}

function command(fields: Readonly<Record<string, unknown>>): Step {
  return { command: toExtendedJson(toRaw(new Map(Object.entries(fields)))) };
}

function textOf(value: unknown): string {
  return value === undefined ? '' : toExtendedJson(toRaw(new Map([['value', value]])));
}

/** The commands are run only where they still change something, so that the file can be applied to a database that has drifted already. */
function fileOf(purpose: string, up: readonly Step[], down: readonly Step[]): string {
  const lines = (steps: readonly Step[]): string =>
    steps.length === 0
      ? ''
      : `\n${steps.map((step) => ('command' in step ? `    await run(db, String.raw\`${escape(step.command)}\`);` : `    // By hand: ${step.byHand}`)).join('\n')}\n  `;
  return `// ${purpose} Written by Migration Guard; read it before you commit it.
const { BSON } = require('mongodb');

/** Codes of: namespace exists, index not found, namespace not found, which say that it is done already. */
const done = [48, 27, 26];

async function run(db, command) {
  try {
    await db.command(BSON.EJSON.parse(command, { relaxed: false }));
  } catch (error) {
    if (!done.includes(error.code)) throw error;
  }
}

module.exports = {
  async up(db) {${lines(up)}},
  async down(db) {${lines(down)}},
};
`;
}

/** What a raw template would take for its own. */
function escape(text: string): string {
  return text.replaceAll('`', '\\u0060').replaceAll('${', '\\u0024{');
}
