import { fetches, isOutside, loadsOf } from '../modules.ts';
import type { FileRule } from '../rule.ts';

export const outsideWorld: FileRule = {
  code: 'MS608',
  severity: 'warning',
  summary: 'A migration reaches beyond the database: network, files, other processes.',
  advice: 'Keep data that it needs in the file itself; do the rest in a step of its own.',
  bad: `import { readFile } from 'node:fs/promises';
export const up = async (db) => {
  const names = JSON.parse(await readFile('/tmp/names.json', 'utf8'));
  await db.collection('users').updateMany({ name: { $in: names } }, { $set: { known: true } });
};
export const down = async (db) => {
  await db.collection('users').updateMany({}, { $unset: { known: '' } });
};`,
  good: `import names from './data/names.json' with { type: 'json' };
export const up = async (db) => {
  await db.collection('users').updateMany({ name: { $in: names } }, { $set: { known: true } });
};
export const down = async (db) => {
  await db.collection('users').updateMany({}, { $unset: { known: '' } });
};`,
  check: (file) => [
    ...loadsOf(file)
      .filter(({ module }) => isOutside(module))
      .map(({ node, module }) => ({ node, message: `What comes from ${module} can be another thing at the next run.` })),
    ...fetches(file).map((node) => ({ node, message: 'What the network answers can be another thing at the next run.' })),
  ],
};
