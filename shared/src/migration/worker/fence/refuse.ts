import path from 'node:path';
import { placeOf } from '../fault.ts';
import type { Refusal } from './policy.ts';

/** Thrown to the migration, and the reason why it is stopped. */
export class RefusedByRehearsal extends Error {
  override readonly name = 'RefusedByRehearsal';
}

type What = Pick<Refusal, 'kind' | 'target'>;

/** Tells the parent of what was refused, once for each target and file. */
export interface Refusals {
  /** `place`: of code that ran earlier, where the stack tells none. */
  refuse(what: What, place?: Place): RefusedByRehearsal;
}

export type Place = Pick<Refusal, 'file' | 'line' | 'column'>;

export interface RefusalOptions {
  /** The folder of the migrations. */
  readonly folder: () => string;
  /** The migration that is loaded or run now. */
  readonly current: () => string | undefined;
  readonly onRefusal: (refusal: Refusal, error: RefusedByRehearsal) => void;
}

const described: Readonly<Record<Refusal['kind'], (target: string) => string>> = {
  host: (target) => `a connection to ${target}, which is not the copy`,
  database: (target) => `a command on ${target}, which is not part of the copy`,
  drop: (target) => `the drop of the whole database ${target}`,
  users: (target) => `the command ${target}, which changes users or roles of the whole server`,
  program: (target) => `the start of the program ${target}, which could reach anything`,
  thread: (target) => `the thread ${target}, which could reach anything`,
};

export function createRefusals({ folder, current, onRefusal }: RefusalOptions): Refusals {
  const told = new Set<string>();
  return {
    refuse({ kind, target }, earlier) {
      const error = new RefusedByRehearsal(`the rehearsal refused ${described[kind](target)}`);
      const place = placeHere(error, folder()) ?? earlier ?? placeOfFile(current());
      const key = [kind, target, place.file].join(' ');
      if (!told.has(key)) {
        told.add(key);
        onRefusal({ kind, target, ...place }, error);
      }
      return error;
    },
  };
}

/** The line of the migrations' folder that the stack of `error` leads to. */
export function placeHere(error: Error, folder: string): Place | undefined {
  const place = placeOf(error, folder);
  return place?.file?.startsWith(folder + path.sep) === true ? place : undefined;
}

function placeOfFile(file: string | undefined): Place {
  return file === undefined || file === '' ? {} : { file };
}
