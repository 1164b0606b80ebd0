import { choice, duration, integer, secret, text } from '@migration-guard/shared/action/inputs';

/** Engines that take and keep whole clusters by themselves. */
const keepers = ['pbm', 'atlas'] as const;
export type Keeper = (typeof keepers)[number];

export const engineInputs = {
  engine: choice(
    'Who reads and restores: this action itself, stock `mongodump` and `mongorestore`, Percona Backup for MongoDB (`pbm`), or snapshots of MongoDB Atlas (`atlas`). Sharded clusters need `pbm` or `atlas`.',
    ['native', 'mongodump', ...keepers],
  ).or('native'),
  'engine-path': text('The program of the engine, or the folder in which it lies; default: PATH.'),
  'engine-timeout': duration('How long `pbm` or `atlas` may take.').or('6h'),
  'atlas-project': text('Id of the Atlas project.'),
  'atlas-cluster': text('Name of the Atlas cluster.'),
  'atlas-target-project': text('Where `restore` goes; default: `atlas-project`.'),
  'atlas-target-cluster': text('Where `restore` goes; default: `atlas-cluster`.'),
  'atlas-key-id': text('Public key of an API key of Atlas, or id of a service account (`mdb_sa_id_…`).'),
  'atlas-key-secret': secret('Private key of the API key, or secret of the service account.'),
  'atlas-retention-days': integer('How many days Atlas keeps a snapshot.').or('30'),
  'atlas-url': text('Address of Atlas; default: https://cloud.mongodb.com.'),
};

interface EngineChoices {
  readonly mode: string;
  readonly engine: string;
  readonly uri: unknown;
  readonly drop: boolean;
  readonly proof: string;
  /** What chooses a part of a cluster, or changes it on the way. */
  readonly parts: Readonly<Record<string, unknown>>;
  readonly atlas: Readonly<Record<string, unknown>>;
}

/** What does not go together. Pure. */
export function engineProblems(choices: EngineChoices): readonly { readonly subject: string; readonly message: string }[] {
  const { mode, engine, uri, drop, proof, parts, atlas } = choices;
  const namesOf = (values: Readonly<Record<string, unknown>>, wanted: 'given' | 'absent'): readonly string[] =>
    Object.entries(values).flatMap(([name, value]) => ((value === undefined) === (wanted === 'absent') ? [name] : []));
  if (!isKeeper(engine) || !['create', 'verify', 'restore', 'prune'].includes(mode)) return [];
  return [
    ...namesOf(parts, 'given').map((subject) => ({
      subject,
      message: `does not go with engine: ${engine}, which takes the whole cluster`,
    })),
    ...(engine === 'atlas' ? namesOf(atlas, 'absent').map((subject) => ({ subject, message: 'is required for engine: atlas' })) : []),
    ...(engine === 'pbm' && uri === undefined ? [{ subject: 'uri', message: 'is required for engine: pbm' }] : []),
    ...(mode === 'restore' && !drop ? [{ subject: 'drop', message: `must be true: engine: ${engine} replaces the whole cluster` }] : []),
    ...(proof === 'restore' ? [{ subject: 'proof', message: `restore does not go with engine: ${engine}` }] : []),
  ];
}

export function isKeeper(engine: string): engine is Keeper {
  return keepers.some((keeper) => keeper === engine);
}
