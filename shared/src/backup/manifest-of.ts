import { addDigests, emptyDigest } from '../mongo/digest.ts';
import type { CreateOptions } from './create-options.ts';
import { filesOf, type Manifest } from './manifest.ts';
import type { Taken } from './take.ts';

/** Name and version that a manifest gives its writer. */
export const tool = { name: 'migration-guard', version: '0.1.0' } as const;

export interface Finished extends Taken, Pick<Manifest, 'encryption'> {
  readonly id: string;
  readonly databases: readonly string[];
  readonly featureVersion: string | undefined;
  readonly startedAt: Date;
  readonly finishedAt: Date;
}

/** What a finished backup says of itself. */
export function manifestOf(options: CreateOptions, finished: Finished): Manifest {
  const { id, databases, featureVersion, collections, consistency, oplog, accounts, startedAt, finishedAt, encryption } = finished;
  const { connection, engine, selection } = options;
  const manifest: Manifest = {
    version: 1,
    id,
    startedAt: startedAt.toISOString(),
    finishedAt: finishedAt.toISOString(),
    tool: engine === undefined ? tool : { ...tool, engine: { name: engine.name, version: engine.version } },
    server: {
      version: connection.serverVersion,
      ...(featureVersion === undefined ? {} : { featureVersion }),
      topology: connection.topology,
    },
    ...(options.environment === undefined ? {} : { environment: options.environment }),
    consistency,
    compression: options.compression ?? 'zstd',
    ...(encryption === undefined ? {} : { encryption }),
    selection: { databases: [...databases], include: [...(selection.include ?? [])], exclude: [...(selection.exclude ?? [])] },
    collections: [...collections],
    ...(oplog === undefined ? {} : { oplog }),
    ...(accounts === undefined ? {} : { accounts }),
    digest: collections.reduce((sum, { digest }) => addDigests(sum, digest), emptyDigest),
    storedBytes: 0,
  };
  return { ...manifest, storedBytes: filesOf(manifest).reduce((sum, { bytes }) => sum + bytes, 0) };
}
