import path from 'node:path';
import type { WorkerProgram } from '../migration/worker.ts';

/** The worker of migrations, run from the sources. */
export const workerProgram: WorkerProgram = {
  file: path.resolve(import.meta.dirname, '../migration/worker/entry.ts'),
  args: [],
  nodeOptions: ['--conditions=source'],
};
