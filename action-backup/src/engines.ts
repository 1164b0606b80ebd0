import { atlasEngine } from '@migration-guard/shared/backup/engines/atlas';
import type { DumpEngine } from '@migration-guard/shared/backup/engines/dump-engine';
import type { HoldingEngine } from '@migration-guard/shared/backup/engines/holding-engine';
import type { ToolAccess } from '@migration-guard/shared/backup/engines/mongo-tools';
import { mongodumpEngine } from '@migration-guard/shared/backup/engines/mongodump';
import { pbmEngine } from '@migration-guard/shared/backup/engines/pbm';
import { GuardError } from '@migration-guard/shared/errors/guard-error';
import type { BackupContext, BackupInputs } from './contract.ts';
import { uriOf } from './place.ts';

/** How often a keeper is asked how far it is, milliseconds. */
const interval = 5_000;

/** What the stock tools need. */
export function toolAccess(inputs: BackupInputs, { env, log, signal }: BackupContext): ToolAccess {
  return { uri: uriOf(inputs), at: inputs.enginePath, env, log, signal };
}

/** Who reads the documents in our place; `undefined` when nobody does. */
export async function dumpEngineOf(inputs: BackupInputs, context: BackupContext): Promise<DumpEngine | undefined> {
  return inputs.engine === 'mongodump' ? mongodumpEngine(toolAccess(inputs, context)) : undefined;
}

/** The keeper that the inputs name. */
export async function keeperOf(inputs: BackupInputs, { env, log, signal }: BackupContext): Promise<HoldingEngine> {
  const patience = { interval, timeout: inputs.engineTimeout, signal };
  if (inputs.engine === 'pbm') return pbmEngine({ uri: uriOf(inputs), at: inputs.enginePath, env, log, ...patience });
  const { atlasProject: project, atlasCluster: cluster, atlasKeyId: keyId, atlasKeySecret: keySecret } = inputs;
  if (project === undefined || cluster === undefined || keyId === undefined || keySecret === undefined)
    throw new GuardError('input/invalid', 'engine: atlas needs atlas-project, atlas-cluster, atlas-key-id and atlas-key-secret.');
  return atlasEngine({
    url: inputs.atlasUrl,
    keyId,
    keySecret,
    from: { project, cluster },
    to: { project: inputs.atlasTargetProject ?? project, cluster: inputs.atlasTargetCluster ?? cluster },
    retentionDays: inputs.atlasRetentionDays,
    log,
    ...patience,
  });
}
