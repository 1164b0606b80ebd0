import { toError } from '@migration-guard/shared/errors/guard-error';
import { acquireLock, type Lock } from '@migration-guard/shared/migration/lock';
import type { Project } from '@migration-guard/shared/migration/project';
import { acquireStockLock } from '@migration-guard/shared/migration/stock-lock';
import type { MigrateContext, MigrateInputs } from '../contract.ts';
import { lockState } from '../identity.ts';
import type { Target } from '../target.ts';

interface Parts {
  readonly inputs: MigrateInputs;
  readonly context: MigrateContext;
  readonly project: Project;
  readonly target: Target;
}

/** Runs `body` under our lock and, where one is configured, under that of migrate-mongo. Throws `lock/held`. */
export async function withLocks<T>(parts: Parts, body: (lock: Lock) => Promise<T>): Promise<T> {
  const { inputs, context, target } = parts;
  const { log, run, signal } = context;
  const waitMilliseconds = inputs.lockWait ?? 0;
  const lock = await acquireLock({ db: target.db, owner: run.url, purpose: `migrate ${inputs.mode}`, log, signal, waitMilliseconds });
  context.saveState(lockState, JSON.stringify(lock.token));
  try {
    return await withStockLock(parts, () => body(lock));
  } finally {
    await lock
      .release()
      .then(() => context.saveState(lockState, ''))
      .catch((error: unknown) => log.warning(`The lock could not be released, it expires by itself: ${toError(error).message}`));
  }
}

/** Keeps a stock migrate-mongo out while we run, where its lock is configured. */
async function withStockLock<T>({ project, target }: Parts, body: () => Promise<T>): Promise<T> {
  const { lockCollectionName: collection, lockTtl: ttl } = project.config;
  if (collection === undefined || (ttl !== undefined && ttl <= 0)) return body();
  const stockLock = await acquireStockLock({ db: target.db, collection, ttl });
  const timer = setInterval(() => void stockLock.refresh().catch(() => undefined), ((ttl ?? 60) * 1_000) / 3);
  try {
    return await body();
  } finally {
    clearInterval(timer);
    await stockLock.release();
  }
}
