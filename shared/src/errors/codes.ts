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
  'lock/held': {
    summary: 'Another run holds the lock of the database.',
    remedy: 'Wait for the run that is named, or set `lock-wait`. If it was killed, the lock is free by itself at the time given.',
  },
  'lock/lost': {
    summary: 'The lock of the database was lost while the run needed it.',
    remedy: 'Look at the connection to the server and at the run that took the lock over, then run `status` before anything else.',
  },
  'migration/folder-not-found': {
    summary: 'The folder of the migrations cannot be read.',
    remedy: 'Check the input `migrations` (relative to the workspace) and that the repository was checked out before this step.',
  },
  'migration/config-invalid': {
    summary: 'The configuration file of migrate-mongo, or the settings about migrations, cannot be used.',
    remedy: 'Correct the file at the place given; nothing was run.',
  },
  'migration/driver-missing': {
    summary: 'The driver of the project was asked for, but is not installed.',
    remedy: 'Run npm ci before this step, or set `driver` to `bundled` or `auto`.',
  },
  'migration/driver-unsupported': {
    summary: 'The MongoDB driver of the project is too old for migrations to run with it.',
    remedy: 'Install mongodb 4 or newer in the project; or set `driver: bundled`, if the files call nothing that only the old driver has.',
  },
  'migration/worker-failed': {
    summary: 'The process in which migrations run could not do what it was asked.',
    remedy: 'Look at the file and line in the message; run `plan` to try again without touching the database.',
  },
  'migration/load-failed': {
    summary: 'A migration file cannot be loaded. Nothing was run.',
    remedy: 'Correct the file at the line given: it must load on its own and export up(db, client).',
  },
  'migration/failed': {
    summary: 'A migration threw an error. It is not recorded as applied, and nothing after it was run.',
    remedy: 'Correct the file at the line given. Roll back with the rollback point of this run before it runs again.',
  },
  'migration/command-failed': {
    summary: 'A command that migrates the database by a tool of its own failed. Nothing after it was run.',
    remedy:
      'Read its output in the log. Roll back with the rollback point of this run; or, if the command may run again as the data is now, name it in the input `retry`.',
  },
  'migration/no-transactions': {
    summary: 'Migrations are to run in transactions, and the server has none. Nothing was applied.',
    remedy:
      'Run the server as a replica set (one member is enough), or set `transaction: none`; single files opt out by `export const transaction = false`.',
  },
  'migration/half-done': {
    summary: 'An earlier run left a migration half-done, and it is not known whether it may run again.',
    remedy:
      'Run action-rollback with the rollback point of that run; or, if the file may run again from its beginning, name it in the input `retry`.',
  },
  'migration/late': {
    summary: 'A pending migration sorts before one that is applied already.',
    remedy: 'Rename the file so that it comes last.',
  },
  'migration/edited': {
    summary: 'A migration was changed after it was applied.',
    remedy: 'Put the file back as it was applied, and make the change in a new migration.',
  },
  'migration/foreign-history': {
    summary: 'The history is empty, but that of another tool says that pending files were applied: they would run a second time.',
    remedy: 'Continue that history with the input `history`, or take it over with the mode `import-history`.',
  },
  'migration/import-refused': {
    summary: 'The history of another tool cannot be taken over.',
    remedy: 'Look at the collection that is named. Nothing was written.',
  },
  'migration/missing': {
    summary: 'The file of an applied migration is not in the folder any more, and `missing: fail` is set.',
    remedy: 'Put the file back, or set `missing: warn` in the section migrate.',
  },
  'migration/no-database': {
    summary: 'A pattern of the input `databases` fits no database.',
    remedy: 'Check the pattern, and that the user of the connection string may list databases.',
  },
  'migration/not-found': {
    summary: 'A migration that the inputs `to` or `only` name is not pending.',
    remedy: 'Run `status` to see which files are pending.',
  },
  'plan/changed': {
    summary: 'What would be applied is not what was rehearsed or approved.',
    remedy: 'Rehearse again and give the new plan hash; nothing was applied.',
  },
  'plan/not-rehearsed': {
    summary: 'A rehearsal is required, and there is none that passed.',
    remedy: 'Run the mode `rehearse` before, in the same job or with its run folder; nothing was applied.',
  },
  'target/untrusted-event': {
    summary: 'A run that a pull request of a fork or a comment can start wants to reach a server.',
    remedy: 'Run migrations from push, workflow_dispatch or pull_request without secrets; never check out code of a fork beside secrets.',
  },
  'rehearsal/copy-exists': {
    summary: 'A database with the name of the rehearsal copy exists already and was not made by a rehearsal.',
    remedy: 'Rename or drop that database, or set `rehearse-on` to `ephemeral`.',
  },
  'rehearsal/no-backup': {
    summary: 'There is no backup from which a copy could be made.',
    remedy:
      'Run action-backup with `mode: create` before, and give its folder in `store`; or give `uri` without `store`, and a fresh one is taken.',
  },
  'backup/not-found': {
    summary: 'There is no such backup in the store.',
    remedy: 'Check `store` and `backup-id`; mode `list` shows what the store holds.',
  },
  'backup/incomplete': {
    summary: 'A backup is not finished, or files of it are missing or cut off.',
    remedy: 'Do not use this backup. Take another one; mode `prune` removes unfinished ones.',
  },
  'backup/checksum-mismatch': {
    summary: 'Bytes of a backup are not those that were written.',
    remedy: 'Do not use this backup: take another one, and check the disk or bucket on which it lay.',
  },
  'backup/content-mismatch': {
    summary: 'The content of a backup is not what its manifest says.',
    remedy: 'Do not use this backup: take another one, and report this with the log.',
  },
  'backup/unexpected-file': {
    summary: 'A backup holds a file that its manifest does not know.',
    remedy: 'Remove the file, or take another backup if you do not know where it comes from.',
  },
  'backup/nothing-selected': {
    summary: 'No collection fits the databases and patterns that were given.',
    remedy: 'Check `databases`, `include` and `exclude`, and that the user may list the collections.',
  },
  'backup/required-collection': {
    summary: 'A collection that must be in the backup is missing or empty.',
    remedy: 'Find out where its documents went before you go on, or correct `required-collections`.',
  },
  'backup/consistency-refused': {
    summary: 'The server cannot give the consistency that is asked for.',
    remedy: 'Use a replica set, or set `consistency: none` if a backup that is not of one point in time is good enough.',
  },
  'backup/not-quiescent': {
    summary: 'Documents were written during a backup that was to be taken without writes.',
    remedy: 'Stop the application first, or use `consistency: snapshot`.',
  },
  'backup/schema-changed': {
    summary: 'Collections were created, dropped or changed again and again during the backup.',
    remedy: 'Take the backup while no index is built and no collection changed.',
  },
  'backup/oplog-rolled-over': {
    summary: 'The server overwrote the part of its oplog that the backup needs, before it could be read.',
    remedy: 'Enlarge the oplog (`replSetResizeOplog`), or take the backup when less is written.',
  },
  'backup/no-space': {
    summary: 'The store has not enough space left.',
    remedy: 'Free space in the store, or set `store` to another place.',
  },
  'backup/store-failed': {
    summary: 'The store could not be read or written.',
    remedy: 'Check that the path exists and that the user of the runner may use it.',
  },
  'backup/store-unsupported': {
    summary: 'Stores of this kind are not supported.',
    remedy: 'Give the path of a folder or `s3://bucket/prefix` in `store`.',
  },
  'backup/held-elsewhere': {
    summary: 'The documents of the backup are kept by another engine, not in the store.',
    remedy: 'Restore it with action-backup, `mode: restore`, and the `engine` that the message names.',
  },
  'backup/too-old': {
    summary: 'No proven backup is as new as was asked for.',
    remedy: 'Take a backup with action-backup (`proof: read` or `restore`) before this step, or raise `max-age`.',
  },
  'engine/needed': {
    summary: 'A sharded cluster can be backed up and restored only by an engine that knows all of its shards.',
    remedy: 'Set `engine: pbm` (Percona Backup for MongoDB) or `engine: atlas` (snapshots of MongoDB Atlas).',
  },
  'engine/not-found': {
    summary: 'The program of the engine is not on this runner.',
    remedy: 'Install it in a step before, or give its path in `engine-path`; `engine: native` needs no program.',
  },
  'engine/failed': {
    summary: 'The program or service that was to take or restore the backup failed.',
    remedy: 'Read what it said in the message and in the log above. A backup that was not finished does not count.',
  },
  'engine/denied': {
    summary: 'The service of the engine refused the credentials, or they may not do what is needed.',
    remedy: 'Check the API key or service account, its access list, and that it has the role Project Backup Manager.',
  },
  'engine/unreachable': {
    summary: 'The service of the engine did not answer, or only with errors of its own.',
    remedy: 'Look at the status page of the service, and start again. A backup that was not finished does not count.',
  },
  'engine/timeout': {
    summary: 'The engine did not finish in time.',
    remedy: 'Look in the tool of the engine whether it still runs. Raise `engine-timeout` if it only needs longer.',
  },
  'backup/key-missing': {
    summary: 'The backup is encrypted, and no key was given.',
    remedy: 'Give the secret key of one of its recipients in `decrypt-key`; `list` and `verify` work without it.',
  },
  'backup/key-wrong': {
    summary: 'The backup was encrypted for others than the owner of the key.',
    remedy: 'Give the secret key of one of the recipients that its manifest names in `decrypt-key`.',
  },
  'store/unreachable': {
    summary: 'The server of the store did not answer, or stopped in the middle.',
    remedy: 'Check `s3-endpoint`, and that the runner can reach it; then start again. A backup that was not finished does not count.',
  },
  'store/denied': {
    summary: 'The server of the store refused the credentials, or they may not do what is needed.',
    remedy:
      'Check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in `env` of the step (or `role-to-assume` and its trust policy), `s3-region`, and the policy of the bucket.',
  },
  'store/no-bucket': {
    summary: 'The bucket does not exist.',
    remedy: 'Create the bucket, or correct `store`, `s3-endpoint` and `s3-region`.',
  },
  'store/no-object-lock': {
    summary: 'Object Lock was asked for, and the bucket does not have it.',
    remedy: 'Create the bucket with Object Lock, or leave `s3-object-lock` out.',
  },
  'store/not-encrypted': {
    summary: 'The server was asked to encrypt what it keeps, and did not.',
    remedy: 'Use a server that can, or encrypt before the upload with `encrypt-to`.',
  },
  'store/exists': {
    summary: 'Another run has written the same file.',
    remedy: 'Start the backup again.',
  },
  'backup/metadata-unsupported': {
    summary: 'Options or indexes of a collection cannot be kept exactly.',
    remedy: 'Report this with the options of the collection, or leave it out by `exclude`.',
  },
  'dump/damaged': {
    summary: 'A dump of mongodump holds bytes that are not what they must be.',
    remedy: 'Do not use this dump: take another one, and check the disk or the transfer on the way here.',
  },
  'dump/incomplete': {
    summary: 'A dump of mongodump is cut off, or parts of it are missing.',
    remedy: 'Do not use this dump: take another one, and look at the exit code of mongodump.',
  },
  'dump/unsupported': {
    summary: 'A dump of mongodump holds something that cannot be restored exactly.',
    remedy: 'Leave the collection out by `exclude`, or restore the dump with the release of mongorestore that belongs to it.',
  },
  'dump/oplog-needs-all': {
    summary: 'A dump with an oplog can only be restored as a whole.',
    remedy: 'Leave `databases`, `include`, `exclude`, `ns-from` and `ns-to` empty, or take oplog.bson out of the dump.',
  },
  'dump/oplog-refused': {
    summary: 'The server did not take an entry of the oplog of a dump.',
    remedy: 'Look up the reason in the message; the collections are as the entries before it left them. Restore again with `drop: true`.',
  },
  'restore/target-exists': {
    summary: 'A collection to be restored exists already.',
    remedy: 'Set `drop: true` to replace it, or restore under other names with `ns-from` and `ns-to`.',
  },
  'restore/conflict': {
    summary: 'Two collections would be restored to the same name.',
    remedy: 'Correct `ns-from` and `ns-to`.',
  },
  'restore/refused': {
    summary: 'The server did not take all documents of a restore.',
    remedy: 'Look up the server error code in the message; the target was left as it was.',
  },
  'restore/digest-mismatch': {
    summary: 'What was restored is not what the backup holds.',
    remedy: 'Do not use the restored data. Look whether something else wrote to them, and run the restore again.',
  },
  'restore/definition-mismatch': {
    summary: 'Options or indexes are not what they were after a restore.',
    remedy: 'Compare the version of the server with the one in the manifest; create what is missing by hand.',
  },
  'restore/no-space': {
    summary: 'The server has not enough space for what is to be restored; what it replaces stays until then.',
    remedy: 'Free space on the data volume of the server, or restore fewer collections at a time with `include`.',
  },
  'restore/time-refused': {
    summary: 'The backup cannot show the time that was asked for.',
    remedy: 'Take a time within the oplog of the backup, as the message names it, or leave `oplog-limit` out.',
  },
  'restore/no-accounts': {
    summary: 'Users and roles are to be restored, and the backup holds none.',
    remedy: 'Leave `users-and-roles` out, or take a backup with it.',
  },
  'rollback/wrong-database': {
    summary: 'The rollback point was made of another database.',
    remedy: 'Give the rollback point of this database, or correct the inputs `database` and `uri`.',
  },
  'rollback/no-backup': {
    summary: 'Documents have to be put back, and it is not known from which backup.',
    remedy:
      'Name the backup in the inputs `store` and `backup-id`, and take a backup before migrations so that the rollback point names it.',
  },
  'rollback/backup-differs': {
    summary: 'The backup does not hold what the database held at the rollback point: something wrote between the two.',
    remedy:
      'Nothing was changed. Set `conflicts: revert` to go back to the backup and lose those writes, or put them back by hand. Next time stop the application before the backup.',
  },
  'rollback/conflicts': {
    summary:
      'The migration and somebody else changed the same fields of the same documents, so not everything can be put back and kept at once.',
    remedy:
      'Set `conflicts: keep` to leave those fields as the others wrote them, or `conflicts: revert` to put them back and lose those writes; the report lists them.',
  },
  'rollback/undo-incomplete': {
    summary: 'Some documents could not be put back one by one.',
    remedy: 'Run the rollback again: it goes on from what is there now. `strategy: auto` takes the next way by itself.',
  },
  'rollback/later-writes': {
    summary: 'Others have written since the rollback point to collections that would have to be restored, and those writes would be lost.',
    remedy:
      'Nothing was lost so far. Stop the application, look at the writes listed in the report, and set `conflicts: revert` to lose them, or put them by hand where they belong first.',
  },
  'rollback/sharded': {
    summary: 'A sharded collection cannot be put back by loading a copy beside it and swapping the names.',
    remedy:
      'Restore it with the engine that took the backup (action-backup with `engine: pbm` or `engine: atlas`), then run the rollback again to prove it.',
  },
  'rollback/no-way': {
    summary: 'None of the ways back can be taken.',
    remedy: 'Look at the reasons listed for each rung; name a backup in `store` and `backup-id`, or give the folder of the migrations.',
  },
  'rollback/not-proven': {
    summary: 'After the rollback the database still differs from the rollback point.',
    remedy:
      'Keep the application stopped, look at the differences listed in the report, and run the rollback again with `strategy: restore`.',
  },
  'rollback/stop-failed': {
    summary: 'The command that stops the application failed, so the rollback was not started.',
    remedy: 'Nothing was changed. Look at the output of the command above, stop the application by hand, and run the rollback again.',
  },
  'rollback/start-failed': {
    summary: 'The data was rolled back, but the command that starts the application failed.',
    remedy: 'Look at the output of the command above and start the application by hand; the data is ready.',
  },
  'server/failed': {
    summary: 'The MongoDB server refused or failed a command.',
    remedy: 'Look up the server error code in the message, and the log of the server at that time.',
  },
  'server/interrupted': {
    summary: 'A change of the primary or a lost connection interrupted the work.',
    remedy: 'Wait until the replica set has a primary, then run the step again.',
  },
  'server/history-lost': {
    summary: 'The server no longer knows what was written since the rollback point: its oplog is too short.',
    remedy: 'Give the oplog more room (`replSetResizeOplog`), and roll back sooner; a restore from the backup is still possible.',
  },
  'server/snapshot-unavailable': {
    summary: 'The server could no longer, or not yet, read at the chosen cluster time.',
    remedy: 'Run the step again; for long backups raise minSnapshotHistoryWindowInSeconds on the server.',
  },
  'notify/slack': {
    summary: 'Slack did not take the message.',
    remedy:
      'Check the secret behind `slack-webhook` (the address of an incoming webhook of an active app) and that the runner may reach it.',
  },
  'notify/email': {
    summary: 'The mail server did not take the message.',
    remedy:
      'Check `smtp-url` (smtp:// or smtps://, user and password URL-encoded), `email-from` and `email-to`, and that the runner may reach the server.',
  },
  'notify/pull-request': {
    summary: 'The comment on the pull request could not be written.',
    remedy: 'Look at the status of GitHub; the report is in the job summary.',
  },
  'notify/check-run-denied': {
    summary: 'GitHub did not allow the check run.',
    remedy: 'Give the job `permissions: checks: write`; runs of pull requests from forks may not write, their job summary holds the same.',
  },
  'notify/check-run': {
    summary: 'GitHub did not take the check run.',
    remedy: 'Run the report step again; the job summary and the page hold the same.',
  },
  'notify/pull-request-denied': {
    summary: 'The token may not write comments on the pull request.',
    remedy:
      'Give the job `permissions: pull-requests: write`; for pull requests from forks GitHub never allows it, there the report is in the job summary.',
  },
  'notify/collection': {
    summary: 'The run report could not be stored in the target database.',
    remedy: 'Check `uri`, and that its user may write to the collection migration_reports.',
  },
} as const satisfies Record<string, CodeEntry>;

export type Code = keyof typeof codes;
