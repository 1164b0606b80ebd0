import { describe, test } from '@jest/globals';
import { inTransaction, killAt, kinds } from './kill-scene.ts';

describe('a run with a transaction for each file that is killed -9', () => {
  test.each(inTransaction.flatMap((boundary) => kinds.map((kind) => [boundary, kind] as const)))(
    'at %s (%s) is never half-done',
    async (boundary, kind) => {
      await killAt({ boundary, kind, transaction: 'per-file' });
    },
  );
});
