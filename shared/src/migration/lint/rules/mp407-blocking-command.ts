import type { DriverCall } from '../calls.ts';
import type { LintFile } from '../file.ts';
import type { FileRule } from '../rule.ts';

export const blockingCommand: FileRule = {
  code: 'MP407',
  severity: 'warning',
  summary: 'A command that blocks or loads the server: `compact`, `reIndex`, full `validate`, `fsync`, or `collMod` on a big collection.',
  advice: 'Run it in a maintenance window, outside of the migrations.',
  bad: `export const up = async (db) => {
  await db.command({ compact: 'orders' });
};
export const down = async (db) => {
  await db.collection('orders').findOne({ _id: 1 });
};`,
  good: `export const up = async (db) => {
  await db.command({ collMod: 'orders', validationLevel: 'moderate' });
};
export const down = async (db) => {
  await db.command({ collMod: 'orders', validationLevel: 'strict' });
};`,
  check: (file) =>
    file.calls
      .map((call) => ({ call, what: blocking(file, call) }))
      .flatMap(({ call, what }) =>
        what === undefined ? [] : [{ node: call.node, message: `${what} holds up everybody else on the server.` }],
      ),
};

function blocking({ values, settings }: LintFile, { kind, method, command, args, collection }: DriverCall): string | undefined {
  if (kind === 'collection' && method === 'reIndex') return 'reIndex';
  if (kind === 'admin' && method === 'validateCollection') return 'validateCollection';
  if (command === 'compact' || command === 'reIndex' || command === 'fsync') return command;
  if (command === 'validate' && values.entries(args[0])?.has('full') === true) return 'A full validate';
  return command === 'collMod' && settings.bigCollections.includes(collection ?? '') ? `collMod of ${collection}` : undefined;
}
