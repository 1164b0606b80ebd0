import type { Db } from 'mongodb';
import { fromMongoError, serverCode } from '../../errors/mongo-errors.ts';
import { readCatalog, type CatalogEntry } from '../../mongo/catalog.ts';
import { about, askData } from './ask-data.ts';
import { askServer } from './ask-server.ts';
import { isAboutServer, type DataPrecheck, type Precheck, type PrecheckAnswer, type ServerPrecheck } from './precheck.ts';

export interface PrecheckOptions {
  readonly db: Db;
  readonly checks: readonly Precheck[];
  readonly now: Date;
  readonly signal: AbortSignal;
  /** Time for one question, milliseconds; afterwards its answer is not known. */
  readonly timeout: number;
}

const outOfTime = 50;
const notAllowed = 13;

/** Asks the database every question. It only reads. Throws `server/*`, `target/privilege-missing`, and the reason of the signal. */
export async function runPrechecks({ db, checks, now, signal, timeout }: PrecheckOptions): Promise<readonly PrecheckAnswer[]> {
  if (checks.length === 0) return [];
  const catalog = new Map((await readCatalog(db.client, db.databaseName, { signal })).map((entry) => [entry.name, entry]));
  const answers: PrecheckAnswer[] = [];
  for (const check of checks) {
    signal.throwIfAborted();
    if (isAboutServer(check)) answers.push(await answerOfServer(db, check));
    else answers.push(await answerOfData({ db, check, entry: catalog.get(check.collection), now, timeout }));
  }
  return answers;
}

interface Question {
  readonly db: Db;
  readonly check: DataPrecheck;
  /** What stands at the name now, if anything does. */
  readonly entry: CatalogEntry | undefined;
  readonly now: Date;
  readonly timeout: number;
}

async function answerOfData({ entry, ...question }: Question): Promise<PrecheckAnswer> {
  const { check, timeout } = question;
  if (entry === undefined) return { check, found: 0, message: `${check.collection} is not there yet.` };
  try {
    return { check, ...(await askData({ ...question, entry })) };
  } catch (error) {
    if (serverCode(error) === outOfTime)
      return { check, found: undefined, message: `${about(check)}: not known, counting took longer than ${timeout / 1_000} s.` };
    if (serverCode(error) === notAllowed && check.kind === 'index-use')
      return {
        check,
        found: undefined,
        message: `${about(check)}: whether queries use it is not known, the user lacks the privilege indexStats.`,
      };
    throw fromMongoError(error, `Checking ${check.collection}`);
  }
}

/** A user who may apply migrations need not be allowed to look at the server. */
async function answerOfServer(db: Db, check: ServerPrecheck): Promise<PrecheckAnswer> {
  try {
    return { check, ...(await askServer(db, check)) };
  } catch (error) {
    if (serverCode(error) !== notAllowed) throw fromMongoError(error, 'Checking the server');
    const [what, missing] = check.kind === 'disk' ? ['Free disk', 'dbStats'] : ['Oplog', 'reading the database local'];
    return { check, found: undefined, message: `${what}: not known, the user lacks the privilege for ${missing}.` };
  }
}
