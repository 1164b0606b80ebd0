import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { withoutDocuments } from '../../errors/mongo-errors.ts';
import { toError } from '../../errors/guard-error.ts';
import { DecoratorsFound } from './decorators.ts';
import type { Fault } from './protocol.ts';

type Place = Pick<Fault, 'file' | 'line' | 'column'>;

/**
 * What was thrown, for another process: name, first line of the message, and the line of the user's code that it points at. `file` is the
 * migration during which it happened.
 */
export function faultOf(thrown: unknown, file: string): Fault {
  const error = toError(thrown);
  if (error instanceof DecoratorsFound) {
    return { name: error.name, message: error.message, file: error.file, line: error.line, remedy: error.remedy };
  }
  const missing = missingPackage(error);
  const place = missing === undefined ? placeOf(thrown, path.dirname(file)) : importOf(missing.name, missing.importer ?? file);
  return {
    name: error.name,
    message: messageOf(error),
    ...(place ?? { file }),
    ...remedyOf(error, missing),
  };
}

/** Server messages can quote documents; a person's own errors are shown as they are, their first line. */
function messageOf(error: Error): string {
  const { errmsg, code, codeName } = error as { errmsg?: string; code?: unknown; codeName?: string };
  if (error.name.startsWith('Mongo') || errmsg !== undefined) {
    return `${withoutDocuments(error.message)}${typeof code === 'number' ? ` (${codeName ?? 'server error'} ${code})` : ''}`;
  }
  const first = (error.message.split('\n')[0] ?? '').replace(/^Error transforming \S+: /, '');
  return first.replace(/[a-z+]+:\/\/[^\s@]*@/gi, (found) => `${found.slice(0, found.indexOf('://'))}://…@`);
}

/** The first line of the stack that lies in the folder of the migrations, else the first one outside of packages and of this program. */
export function placeOf(error: unknown, folder: string): Place | undefined {
  if (!(error instanceof Error)) return undefined;
  const lines = (error.stack ?? '').split('\n');
  const places = lines.map(placeIn).filter((found) => found !== undefined);
  const own = places.filter(({ file }) => !isForeign(file));
  return sucrasePlace(error) ?? own.find(({ file }) => file?.startsWith(folder + path.sep)) ?? own[0];
}

/** The line of the user's own code that called into this program; nothing when Node or a package did. */
export function callerOf(error: Error): Place | undefined {
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  const caller = frames.find((frame) => !isOurs(placeIn(frame)?.file));
  const place = caller === undefined ? undefined : placeIn(caller);
  return isForeign(place?.file) ? undefined : place;
}

function placeIn(line: string): Place | undefined {
  const [, location, row, column] =
    /(?:^|\(|at |async )((?:file:\/\/)?\/[^()]*?|file:\/\/\/[^()]*?|[A-Za-z]:\\[^()]*?):(\d+)(?::(\d+))?\)?$/.exec(line.trim()) ?? [];
  if (location === undefined || row === undefined) return undefined;
  const file = location.startsWith('file:') ? fileURLToPath(location) : location;
  return { file, line: Number(row), ...(column === undefined ? {} : { column: Number(column) }) };
}

function isForeign(file: string | undefined): boolean {
  return file === undefined || file.includes(`${path.sep}node_modules${path.sep}`) || isOurs(file);
}

function isOurs(file: string | undefined): boolean {
  return file?.startsWith(path.dirname(process.argv[1] ?? '')) === true;
}

/** Syntax errors that the TypeScript compiler finds say the place in their message: `Error transforming FILE: … (3:5)`. */
function sucrasePlace(error: Error): Place | undefined {
  const [, file, line, column] = /^Error transforming (.*?): [\s\S]*\((\d+):(\d+)\)/.exec(error.message) ?? [];
  return file === undefined ? undefined : { file, line: Number(line), column: Number(column) };
}

function remedyOf(error: Error, missing: MissingPackage | undefined): Pick<Fault, 'remedy'> {
  if (missing !== undefined) return { remedy: remedyFor(missing) };
  if (!/^(module|exports|require) is not defined in ES module scope/.test(error.message)) return {};
  return { remedy: 'Its package.json says "type": "module": write `export` and `import`, or give the file the extension .cjs.' };
}

interface MissingPackage {
  /** As it is imported: a package or a file in one. */
  readonly name: string;
  readonly importer?: string;
}

function remedyFor({ name }: MissingPackage): string {
  const [, installed = name] = /^((?:@[^/]+\/)?[^/]+)/.exec(name) ?? [];
  return installed === name
    ? `Install ${name} before this step (run npm ci first), or remove the import.`
    : `Install ${installed} before this step (run npm ci first), in a version that has this file; or remove the import.`;
}

function missingPackage(error: Error): MissingPackage | undefined {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') return undefined;
  const [, name] = /Cannot find (?:package|module) '([^']+)'/.exec(error.message) ?? [];
  if (name === undefined || path.isAbsolute(name) || name.startsWith('.') || name.startsWith('file:')) return undefined;
  const importer = /imported from (\S.*)$/m.exec(error.message)?.[1] ?? /Require stack:\n- (.*)$/m.exec(error.message)?.[1];
  return { name, ...(importer === undefined ? {} : { importer }) };
}

/** The line that imports a package: Node names only the file. */
function importOf(name: string, importer: string): Place {
  const file = importer.startsWith('file:') ? fileURLToPath(importer) : importer;
  try {
    const lines = readFileSync(file, 'utf8').split('\n');
    const index = lines.findIndex((line) => line.includes(`'${name}`) || line.includes(`"${name}`));
    return index === -1 ? { file } : { file, line: index + 1 };
  } catch {
    return { file };
  }
}
