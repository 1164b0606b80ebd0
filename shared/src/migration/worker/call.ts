import type { Db, MongoClient } from 'mongodb';
import { toError } from '../../errors/guard-error.ts';

/** What steps get: the database, its client, and whatever else this runner offers. */
export type StepArguments = readonly [Db, MongoClient, ...unknown[]];

export type Step = (...given: StepArguments) => unknown;

/** Calls a step of a migration and waits for its end, old callback style included. */
export async function callStep(target: unknown, step: Step, given: StepArguments): Promise<void> {
  const parameters = parameterNames(step.toString());
  if (!/^(callback|cb|next|done)_?$/.test(parameters.at(-1) ?? '')) {
    await step.apply(target as undefined, [...given]);
    return;
  }
  // migrate-mongo before 14 knew callbacks by the name of the last parameter, and before 7 passed them second.
  await new Promise<void>((resolve, reject) => {
    const done = (error?: unknown): void => (error === undefined || error === null ? resolve() : reject(toError(error)));
    const values: readonly unknown[] = parameters.length === 2 ? [given[0], done] : [given[0], given[1], done];
    (step as (...all: unknown[]) => unknown).apply(target, [...values]);
  });
}

/** The parameters as a function's own text writes them, without their defaults. */
export function parameterNames(source: string): readonly string[] {
  const [, single] = /^(?:async\s+)?([\w$]+)\s*=>/.exec(source) ?? [];
  if (single !== undefined) return [single];
  const names = [''];
  let depth = 0;
  for (const character of source.slice(source.indexOf('('))) {
    if ('([{'.includes(character)) depth += 1;
    if (')]}'.includes(character)) depth -= 1;
    if (depth === 0) break;
    if (character === ',' && depth === 1) names.push('');
    else names.push(`${names.pop() ?? ''}${character}`);
  }
  return names.map((text) => /[\w$]+/.exec(text.replace(/\/\*.*?\*\//gs, ''))?.[0] ?? '').filter((name) => name !== '');
}
