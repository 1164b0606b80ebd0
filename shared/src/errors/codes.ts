interface CodeEntry {
  /** What the code stands for, in one sentence. */
  readonly summary: string;
  /** What the person who reads it should do next. */
  readonly remedy: string;
}

/** Every error code: the one table from which messages take their remedy and `docs/errors.md` is generated. Codes are stable. */
export const codes = {
  'input/invalid': {
    summary: 'One or more inputs or settings are missing, unknown or not valid.',
    remedy: 'Correct the inputs listed in the message; the README of the action lists them all.',
  },
  'config/not-found': {
    summary: 'The configuration file named by the input `config` does not exist.',
    remedy: 'Check the path (relative to the workspace) and that the repository was checked out before this step.',
  },
  'config/invalid': {
    summary: 'The configuration file is not valid.',
    remedy: 'Correct the file at the line and column given; editors check it against the published JSON Schema.',
  },
  'document/invalid': {
    summary: 'A document that the actions hand to each other could not be read.',
    remedy: 'Use the file exactly as the earlier action wrote it, and the same release of all actions in one workflow.',
  },
  'document/too-new': {
    summary: 'A document was written by a newer release of Migration Guard.',
    remedy: 'Use the same release of all actions in one workflow.',
  },
  'document/not-found': {
    summary: 'A document that an earlier action should have written is not there.',
    remedy: 'Check that the earlier step ran in this job and that `run-folder` is the same, or pass the path as an input.',
  },
  'run/cancelled': {
    summary: 'The run was cancelled.',
    remedy: 'Look at the stage above for the state of the data, then start the workflow again.',
  },
  'run/timeout': {
    summary: 'The step did not finish within its time limit.',
    remedy: 'Raise the `timeout` input, or split the work.',
  },
  'internal/bug': {
    summary: 'Migration Guard met a situation that it does not handle: a bug of ours.',
    remedy: 'Report it with the stack in the log. The data is as the stages before left it; run the rollback if a migration had started.',
  },
  'embedded/no-binary': {
    summary: 'No `mongod` that starts on this machine could be found or fetched.',
    remedy: 'Install MongoDB 6.0 or newer (its library libcurl4 included) or set MONGOD_BINARY to a `mongod`.',
  },
  'embedded/start-failed': {
    summary: 'The embedded MongoDB server did not start.',
    remedy: 'Look at free memory and disk of the runner, and try the `mongod` named in the log by hand.',
  },
  'target/invalid-uri': {
    summary: 'The connection string is not a MongoDB connection string that can be used here.',
    remedy: 'Give a mongodb:// or mongodb+srv:// connection string in the input `uri`, user name and password URL-encoded.',
  },
  'target/unreachable': {
    summary: 'No MongoDB server answered.',
    remedy:
      'Check host, port, TLS options and the network access list (the address of the runner must be allowed), and that the server runs.',
  },
  'target/authentication-failed': {
    summary: 'The server refused user name or password.',
    remedy: 'Check the user, the password (URL-encoded) and `authSource` in the connection string.',
  },
  'target/privilege-missing': {
    summary: 'The user lacks a privilege that the step needs.',
    remedy: 'Grant the role named in the message; the README of the action lists the roles that each mode needs.',
  },
  'target/no-database': {
    summary: 'It is not said which database is meant.',
    remedy: 'Set the input `database`, or name the database in the connection string.',
  },
  'target/unsupported': {
    summary: 'The server cannot do what the step needs.',
    remedy: 'Use MongoDB 6.0 or newer, as a replica set where the message asks for one.',
  },
  'loadtest/no-scenario': {
    summary: 'The load test was started without any step to perform.',
    remedy: 'Write `steps` in the section `loadtest` of migration-guard.yml, or name a scenario file in the input `scenario`.',
  },
  'loadtest/secret-missing': {
    summary: 'An environment variable that the scenario names as a secret is not set.',
    remedy: 'Set it in `env` of the step, for example from `secrets`, or correct its name in the scenario.',
  },
  'server/failed': {
    summary: 'The MongoDB server refused or failed a command.',
    remedy: 'Look up the server error code in the message, and the log of the server at that time.',
  },
  'server/interrupted': {
    summary: 'A change of the primary or a lost connection interrupted the work.',
    remedy: 'Wait until the replica set has a primary, then run the step again.',
  },
  'server/snapshot-unavailable': {
    summary: 'The server could no longer, or not yet, read at the chosen cluster time.',
    remedy: 'Run the step again; for long backups raise minSnapshotHistoryWindowInSeconds on the server.',
  },
} as const satisfies Record<string, CodeEntry>;

export type Code = keyof typeof codes;
