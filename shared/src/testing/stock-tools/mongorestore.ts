// A stand-in for stock mongorestore, which no registry carries: as much of its command line, input and exit codes as our engine uses.
import { createWriteStream } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { silentLog } from '../../log/log.ts';
import { openDump } from '../../backup/stock/open-dump.ts';
import { restoreDump } from '../../backup/stock/restore-dump.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { connectBy, readArguments, version } from './arguments.ts';

const options = readArguments({
  version: { type: 'boolean' },
  config: { type: 'string' },
  archive: { type: 'boolean' },
  gzip: { type: 'boolean' },
  dir: { type: 'string' },
  maintainInsertionOrder: { type: 'boolean' },
  stopOnError: { type: 'boolean' },
  bypassDocumentValidation: { type: 'boolean' },
});

if (options.version === true) console.log(`mongorestore version: ${version}`);
else await restore();

async function restore(): Promise<void> {
  await using folder = await temporaryFolder();
  const file = path.join(folder.path, 'archive');
  if (options.dir === undefined) await pipeline(process.stdin, createWriteStream(file));
  const dump = await openDump(options.dir ?? file);
  if (dump === undefined) throw new Error('there is no dump');
  await using connection = await connectBy(options.config);
  await restoreDump(dump, { client: connection.client, drop: false, log: silentLog });
}
