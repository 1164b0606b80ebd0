import { GuardError, toError } from '../../errors/guard-error.ts';

/** Does something with files. What the system refuses becomes `backup/no-space` or `backup/store-failed`. */
export async function attempt<T>(doing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof GuardError) throw error;
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG')
      throw new GuardError('backup/no-space', `${doing}: the disk is full.`, { cause: error });
    throw new GuardError('backup/store-failed', `${doing}: ${code ?? toError(error).message}.`, { cause: error });
  }
}
