// A stand-in for stock mongorestore, which no registry carries: as much of its command line, input and exit codes as our engine uses.
import { createWriteStream } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { silentLog } from '../../log/log.ts';
import { openArchive } from '../../backup/stock/archive.ts';
import { restoreDump } from '../../backup/stock/restore-dump.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { connectBy, readArguments, version } from './arguments.ts';

const options = readArguments({
  version: { type: 'boolean' },
  config: { type: 'string' },
  archive: { type: 'boolean' },
  maintainInsertionOrder: { type: 'boolean' },
  stopOnError: { type: 'boolean' },
  bypassDocumentValidation: { type: 'boolean' },
});

if (options.version === true) console.log(`mongorestore version: ${version}`);
else await restore();

async function restore(): Promise<void> {
  await using folder = await temporaryFolder();
  const file = path.join(folder.path, 'archive');
  await pipeline(process.stdin, createWriteStream(file));
  await using connection = await connectBy(options.config);
  await restoreDump(await openArchive(file), { client: connection.client, drop: false, log: silentLog });
}
