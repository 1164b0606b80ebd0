import { runAction } from '@migration-guard/shared/action/run';
import { workerArgument } from '@migration-guard/shared/migration/worker/argument';
import { spec } from '../spec.ts';

// The same bundle is the process in which `down` runs.
if (process.argv.includes(workerArgument)) (await import('@migration-guard/shared/migration/worker/serve')).serve();
else await runAction(spec, { story: async () => (await import('./rollback.ts')).rollback });
