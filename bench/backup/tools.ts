import { spawnSync } from 'node:child_process';
import path from 'node:path';

/** A command for a shell that loads what was dumped of `database` into the database `target`. */
type Load = (database: string, target: string, folder: string) => string;

/** One way to dump and load a database. The commands are for a shell. */
export interface Way {
  readonly name: string;
  /** Program that must be there. */
  readonly needs: string | undefined;
  readonly dump: (database: string, folder: string) => string;
  readonly loads: readonly { readonly name: string; readonly command: Load }[];
}

export interface Surroundings {
  readonly uri: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Folder that holds `action-backup/dist`. */
  readonly bundles: string;
  /** A Node that can run the bundle. */
  readonly node: string;
}

/** Our bundle as a runner starts it, and the stock tools. */
export function ways({ uri, env, bundles, node }: Surroundings): readonly Way[] {
  const mongodump = env['MONGODUMP'] ?? 'mongodump';
  const mongorestore = env['MONGORESTORE'] ?? 'mongorestore';
  const dump = `${mongodump} --quiet --uri '${uri}'`;
  const load = (workers: number): string => `${mongorestore} --quiet --uri '${uri}' --numInsertionWorkersPerCollection ${workers}`;
  const renamed = (database: string, target: string): string => `--nsFrom '${database}.*' --nsTo '${target}.*'`;
  const withWorkers = (loadWith: (workers: number) => Load): Way['loads'] =>
    [1, 4].map((workers) => ({ name: `${workers} workers`, command: loadWith(workers) }));
  return [
    {
      name: 'Migration Guard, proof: none',
      needs: undefined,
      dump: (database, folder) => action({ bundles, node, uri }, { mode: 'create', store: folder, databases: database, proof: 'none' }),
      loads: [],
    },
    {
      name: 'Migration Guard',
      needs: undefined,
      dump: (database, folder) => action({ bundles, node, uri }, { mode: 'create', store: folder, databases: database }),
      loads: [
        {
          name: 'restore',
          command: (database, target, folder) =>
            action({ bundles, node, uri }, { mode: 'restore', store: folder, 'ns-from': `${database}.*`, 'ns-to': `${target}.*` }),
        },
      ],
    },
    {
      needs: mongodump,
      name: 'mongodump',
      dump: (database, folder) => `${dump} -d ${database} -o ${folder}`,
      loads: withWorkers((workers) => (database, target, folder) => `${load(workers)} ${renamed(database, target)} ${folder}`),
    },
    {
      needs: mongodump,
      name: 'mongodump --gzip',
      dump: (database, folder) => `${dump} -d ${database} --gzip -o ${folder}`,
      loads: withWorkers((workers) => (database, target, folder) => `${load(workers)} --gzip ${renamed(database, target)} ${folder}`),
    },
    {
      needs: mongodump,
      name: 'mongodump --archive, zstd -3 -T0',
      dump: (database, folder) => `mkdir -p ${folder} && ${dump} -d ${database} --archive | zstd -q -3 -T0 -f -o ${folder}/archive.zst`,
      loads: withWorkers(
        (workers) => (database, target, folder) =>
          `zstd -dc ${folder}/archive.zst | ${load(workers)} --archive ${renamed(database, target)}`,
      ),
    },
  ];
}

/** The stock tools that are not there. */
export function absent(all: readonly Way[]): readonly string[] {
  const programs = [...new Set(all.flatMap(({ needs }) => needs ?? []))];
  return programs.filter((program) => spawnSync(program, ['--version']).status !== 0);
}

/** Starts the bundle with inputs as a runner gives them, in a folder of its own. */
function action({ bundles, node, uri }: Pick<Surroundings, 'bundles' | 'node' | 'uri'>, inputs: Readonly<Record<string, string>>): string {
  const variables = Object.entries({ uri, ...inputs }).map(([name, value]) => `'INPUT_${name.toUpperCase()}=${value}'`);
  const bundle = path.join(bundles, 'action-backup', 'dist', 'index.js');
  const files = ['OUTPUT', 'STATE', 'STEP_SUMMARY', 'ENV', 'PATH'].map((name) => `GITHUB_${name}=$job/${name}`);
  return `job=$(mktemp -d) && (cd $job && touch OUTPUT STATE STEP_SUMMARY ENV PATH) && env ${files.join(' ')} RUNNER_TEMP=$job GITHUB_WORKSPACE=$job ${variables.join(' ')} ${node} ${bundle}; code=$?; rm -rf $job; exit $code`;
}
