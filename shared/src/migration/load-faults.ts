import { GuardError, type Place } from '../errors/guard-error.ts';
import { lineText, placeOfFault } from './fault-place.ts';
import type { Fault, Loaded, LoadedFile } from './worker/protocol.ts';

/** What is wrong with a file, and what to do about it where the cause tells. */
export interface LoadFault {
  readonly name: string;
  readonly message: string;
  readonly place: Place;
  readonly remedy?: string;
}

/** Throws `migration/load-failed`: what is wrong with which file, all at once. */
export class LoadError extends GuardError {
  readonly faults: readonly LoadFault[];

  constructor(faults: readonly LoadFault[]) {
    const [first] = faults;
    const rest = faults.length > 1 ? ` (and ${faults.length - 1} more)` : '';
    super('migration/load-failed', `${first?.name}${lineText(first?.place)} cannot be loaded: ${first?.message}${rest}`, {
      ...(first === undefined ? {} : { place: first.place }),
      ...(first?.remedy === undefined ? {} : { remedy: first.remedy }),
    });
    this.faults = faults;
  }
}

/** What the worker found wrong with a file. */
export function faultOfFile(name: string, fault: Fault, workspace: string): LoadFault {
  const { message, remedy } = fault;
  return { name, message, place: placeOfFault(fault, workspace) ?? { file: name }, ...(remedy === undefined ? {} : { remedy }) };
}

/** The fault of a file whose top level does not end within `limit` milliseconds. */
export function endless(name: string, file: string, limit: number): LoadFault {
  return {
    name,
    message: `its top level did not end within ${limit / 1_000} s`,
    place: { file },
    remedy: 'Let the top level of a file wait for nothing, such as a connection: do that in up.',
  };
}

interface LoadedWith {
  readonly workspace: string;
  readonly path: string | undefined;
  readonly driver: Loaded['driver'];
  readonly refuseForeignBson: boolean;
}

/** What a file brought that was loaded: what refuses it, and what is only doubtful. */
export function faultsOf(
  { name, fault, foreignBson, unset }: LoadedFile,
  { workspace, path, driver, refuseForeignBson }: LoadedWith,
): readonly (LoadFault & { readonly refused: boolean })[] {
  const placeIn = (found: Pick<Fault, 'file' | 'line' | 'column'>): Place => placeOfFault(found, workspace) ?? { file: name };
  if (fault !== undefined) return [{ ...faultOfFile(name, fault, workspace), refused: true }];
  const doubts = unset.map(({ name: variable, ...place }) => ({
    name,
    message: `reads the environment variable ${variable}, which is not set`,
    place: placeIn(place),
    remedy: `Set it in \`env\` of the step, unless the file does without.`,
    refused: false,
  }));
  if (foreignBson.length === 0) return doubts;
  const message = `${foreignBson.join('; ')}, whose values the driver mongodb ${driver.version} (${driver.source}) refuses`;
  const remedy =
    'Bring them to one major version; or set `mixed-bson: allow` in the section migrate, if the file gives no values of theirs to db.';
  return [...doubts, { name, message, place: placeIn(path === undefined ? {} : { file: path }), remedy, refused: refuseForeignBson }];
}
