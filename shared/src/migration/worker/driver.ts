import { createRequire } from 'node:module';
import path from 'node:path';
import type * as Mongo from 'mongodb';
import type { DriverChoice } from './protocol.ts';

/** The parts of a driver that the worker itself uses; migrations get all of it. */
export type DriverModule = Pick<typeof Mongo, 'MongoClient' | 'BSON' | 'ObjectId' | 'Db' | 'Collection'>;

/** The driver that migrations get, and where it came from. */
export interface Driver {
  readonly source: 'project' | 'bundled';
  readonly version: string;
  readonly module: DriverModule;
  /** Path of the project's driver; absent for the bundled one. */
  readonly file?: string;
}

/** Says that the driver of the project was asked for and is not there. */
export class DriverMissing extends Error {}

/** Says that the driver of the project is older than those that files can run with here. */
export class DriverUnsupported extends Error {}

const oldestMajor = 4;

/**
 * The project's own driver as seen from `folder`, else the bundled one: BSON values of different majors refuse each other, so a migration
 * must get the driver that its project's other libraries use. Throws `DriverMissing` and `DriverUnsupported`.
 */
export async function chooseDriver(folder: string, choice: DriverChoice): Promise<Driver> {
  const require = createRequire(path.join(folder, 'migration.js'));
  const file = choice === 'bundled' ? undefined : resolved(require);
  if (file !== undefined) return projectDriver(require, file);
  if (choice === 'project') throw new DriverMissing(`The package mongodb is not installed where ${folder} would find it.`);
  const bundled = await import('mongodb');
  return { source: 'bundled', version: await bundledVersion(bundled.default), module: bundled.default };
}

/** Throws rather than falling back on the bundled one: files that were written for an old driver may call what newer ones do not have. */
function projectDriver(require: NodeJS.Require, file: string): Driver {
  const version = versionAt(require);
  if (Number(version.split('.')[0]) < oldestMajor) {
    throw new DriverUnsupported(`The project has mongodb ${version}; migrations run with mongodb ${oldestMajor} and newer.`);
  }
  return { source: 'project', version, module: require('mongodb') as DriverModule, file };
}

function resolved(require: NodeJS.Require): string | undefined {
  try {
    return require.resolve('mongodb');
  } catch {
    return undefined;
  }
}

function versionAt(require: NodeJS.Require): string {
  return (require('mongodb/package.json') as { version: string }).version;
}

/** The driver tells its version only to servers, in the metadata of a client. */
async function bundledVersion(module: DriverModule): Promise<string> {
  const client = new module.MongoClient('mongodb://localhost');
  const { metadata } = client.options as unknown as { readonly metadata: Promise<{ readonly driver: { readonly version: string } }> };
  return (await metadata).driver.version;
}
