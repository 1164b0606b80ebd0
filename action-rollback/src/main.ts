import { runAction } from '@migration-guard/shared/action/run';
import { spec } from '../spec.ts';

await runAction(spec, { story: async () => (await import('./rollback.ts')).rollback });
