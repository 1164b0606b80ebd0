import { stat } from 'node:fs/promises';
import path from 'node:path';
import { GuardError } from '../errors/guard-error.ts';
import { endsInTime, type TimeLimit } from './ends-in-time.ts';
import { lineText, placeOfFault } from './fault-place.ts';
import { knownExtensions } from './files.ts';
import type { DriverChoice, ProjectConfig } from './worker/protocol.ts';
import { driverCodes, workerFailed, WorkerRefusal, type Worker } from './worker.ts';

interface Searched {
  readonly workspace: string;
  /** Folder of the migrations, where it is given. */
  readonly folder: string | undefined;
}

interface Reading extends Omit<TimeLimit, 'worker'> {
  readonly workspace: string;
  readonly driver: DriverChoice;
}

/**
 * The configuration in the workspace or beside the folder. Throws `migration/config-invalid` when there are several: each may name another
 * changelog, and the wrong one lets everything run again.
 */
export async function findStockConfig({ workspace, folder }: Searched): Promise<string | undefined> {
  const folders = new Set([workspace, ...(folder === undefined ? [] : [path.dirname(folder)])]);
  const places = [...folders].flatMap((found) => knownExtensions.map((extension) => path.join(found, `migrate-mongo-config${extension}`)));
  const are = await Promise.all(places.map(isFile));
  const [first, ...others] = places.filter((_, index) => are[index]);
  if (others.length === 0 || first === undefined) return first;
  const names = [first, ...others].map((file) => path.relative(workspace, file));
  throw new GuardError('migration/config-invalid', `There are ${names.length} configurations of migrate-mongo: ${names.join(', ')}.`, {
    remedy: `Say which one counts, for example \`migrate-mongo-config: ${names[0]}\`; or remove the other.`,
  });
}

/** The folder in which a person would start migrate-mongo with `--file`: that of the nearest package.json within the workspace. */
export async function projectFolder(configFile: string, workspace: string): Promise<string> {
  for (let folder = path.dirname(configFile); folder.startsWith(workspace) && folder !== workspace; folder = path.dirname(folder)) {
    if (await isFile(path.join(folder, 'package.json'))) return folder;
  }
  return workspace;
}

async function isFile(file: string): Promise<boolean> {
  return (await stat(file).catch(() => undefined))?.isFile() === true;
}

/** Throws `migration/config-invalid` with the line at fault, and `migration/driver-missing`. */
export async function readStockConfig(worker: Worker, file: string, { driver, workspace, limit, signal }: Reading): Promise<ProjectConfig> {
  const name = path.relative(workspace, file);
  if (!(await isFile(file)))
    throw new GuardError('migration/config-invalid', `There is no file ${name}.`, { remedy: 'Check the input `migrate-mongo-config`.' });
  try {
    const read = await endsInTime(worker.ask('config', { file, driver }), { worker, limit, signal });
    if (read === 'late') throw new GuardError('migration/config-invalid', `${name} was not read within ${limit / 1_000} s.`);
    return read;
  } catch (error) {
    if (error instanceof GuardError) throw error;
    const { fault } = error instanceof WorkerRefusal ? error : {};
    if (fault === undefined || driverCodes[fault.name] !== undefined) throw workerFailed(error, `Reading ${name}`, workspace);
    const place = placeOfFault(fault, workspace) ?? { file: name };
    const line = place.file === name ? lineText(place) : '';
    const elsewhere = place.file === name ? '' : ` (${place.file}${lineText(place)})`;
    throw new GuardError('migration/config-invalid', `${name}${line} cannot be read: ${fault.message}${elsewhere}`, {
      cause: error,
      place,
      ...(fault.remedy === undefined ? {} : { remedy: fault.remedy }),
    });
  }
}

/** The extensions of migrations. A configuration file without one means `.js`, as migrate-mongo has it. */
export function extensionsOf(config: ProjectConfig, configFile: string | undefined): readonly string[] | undefined {
  const { migrationFileExtension: extension = '.js' } = config;
  if (!extension.startsWith('.')) {
    throw new GuardError(
      'migration/config-invalid',
      `migrationFileExtension must start with a dot: it is "${extension}" in ${configFile}.`,
    );
  }
  return configFile === undefined ? undefined : [extension];
}
