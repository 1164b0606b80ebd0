import { z } from 'zod';
import { duration } from './duration.ts';
import { rehearsal } from './rehearsal.ts';

const levels = z.record(
  z.string().regex(/^[A-Z]{2}\d{3}$/, 'expected the code of a rule, such as MD103'),
  z.enum(['off', 'note', 'warning', 'error']),
);

const lint = z.strictObject({
  rules: levels.default({}).describe('Severity of single rules by code: off, note, warning or error. docs/lint.md names them all.'),
  paths: z
    .record(z.string(), levels)
    .default({})
    .describe('The same for files whose path matches a glob, for example migrations/legacy/**; the last that matches counts.'),
  'big-collections': z.array(z.string()).default([]).describe('Collections that are too big to be changed by one statement.'),
  'shard-keys': z.record(z.string(), z.array(z.string()).min(1)).default({}).describe('Fields of the shard key, by collection.'),
  'server-version': z
    .string()
    .regex(/^\d+\.\d+$/, 'expected a version such as "7.0", in quotes')
    .optional()
    .describe('Oldest version of MongoDB on which the migrations must run.'),
});

const batch = z.strictObject({
  'max-lag': duration.prefault('10s').describe('The batch helper waits while replication is further behind.'),
  'min-oplog-window': duration.prefault('1h').describe('The batch helper waits while a full oplog reaches back less.'),
});

const variable = z.string().regex(/^[A-Za-z_]\w*$/, 'expected the name of an environment variable');

const command = z.strictObject({
  name: z
    .string()
    .regex(/^[\w.-]+$/, 'expected letters, digits, dots, dashes and underscores')
    .describe('What it is called in log, report and journal, where it is command:<name>.'),
  command: z.string().min(1).describe('Run by bash, which stops at the first line that fails; by sh where there is no bash.'),
  folder: z.string().default('.').describe('Where it runs, relative to the workspace.'),
  'uri-variable': variable
    .default('MONGODB_URI')
    .describe('The environment variable that holds the connection string, with the database in its path.'),
  'database-variable': variable.default('MONGODB_DATABASE').describe('The environment variable that holds the name of the database.'),
  timeout: duration.optional().describe('Its time limit, beside that of all together (input timeout).'),
  idempotent: z.boolean().default(false).describe('Whether it may run again after it failed, was interrupted or killed.'),
  rehearse: z
    .boolean()
    .default(false)
    .describe('Whether a rehearsal runs it against the copy. Only for a command that finds its address nowhere but in the variable.'),
});

const commands = z
  .array(command)
  .default([])
  .superRefine((list, context) => {
    for (const [index, { name }] of list.entries()) {
      const first = list.findIndex((other) => other.name === name);
      if (first < index) context.addIssue({ code: 'custom', path: [index, 'name'], message: 'is the name of an earlier command' });
    }
  });

const seeds = z.strictObject({
  folder: z.string().min(1).default('seeds').describe('Their folder, relative to the workspace.'),
  run: z.enum(['changed', 'always']).default('changed').describe('Whether a seed runs once for each content that it has, or in every run.'),
});

/** The structured part of the section `migrate` of migration-guard.yml. */
export const settings = z.strictObject({
  batch: batch.prefault({}).describe('When the batch helper of migrations slows down.'),
  commands: commands.describe(
    'Migrations by tools of your own, run behind the files under the same lock, journal and rollback point. With commands, files are looked for only where the input migrations names their folder.',
  ),
  edited: z
    .enum(['warn', 'fail', 'run-again'])
    .optional()
    .describe(
      'What happens when an applied file was changed; default: warn, or run-again where migrate-mongo is configured with useFileHash.',
    ),
  missing: z.enum(['warn', 'fail']).default('warn').describe('What happens when the file of an applied migration is gone.'),
  'foreign-history': z
    .enum(['refuse', 'ignore'])
    .default('refuse')
    .describe('What happens when the history is empty, but that of another tool in the same database knows pending files as applied.'),
  functions: z
    .strictObject({ up: z.string().min(1).default('up'), down: z.string().min(1).default('down') })
    .prefault({})
    .describe('What the project calls the functions up and down, for example migrate and rollback.'),
  'import-names': z
    .record(z.string(), z.string())
    .default({})
    .describe('For import-history: the file of a migration of the other tool, by its name there, where the names tell nothing.'),
  'mixed-bson': z
    .enum(['refuse', 'allow'])
    .default('refuse')
    .describe("Whether files may run that reach a package with BSON of another major version than the driver's."),
  rehearsal: rehearsal.prefault({}),
  seeds: seeds.optional().describe('Repeatable files that run behind migrations and commands; not in the history.'),
  undo: z
    .boolean()
    .default(true)
    .describe(
      'Whether apply prepares an undo: the server keeps the earlier states of changed documents, and the write commands are recorded. Without, the ways back are down and a restore.',
    ),
  drift: z
    .enum(['off', 'warning', 'error'])
    .default('warning')
    .describe('What it means when indexes, validators, options or views of the target are not as the last run left them.'),
  lint: z
    .union([z.literal(false), lint])
    .prefault({})
    .describe('Static rules that each pending file is checked by, or false.'),
});

export type CommandSettings = z.infer<typeof command>;
export type LintConfiguration = z.infer<typeof lint>;
export type MigrateSettings = z.infer<typeof settings>;
