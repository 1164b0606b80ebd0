// A stand-in for stock mongodump, which no registry carries: as much of its command line, output and exit codes as our engine uses.
import { once } from 'node:events';
import { bucketsOf, readCatalog } from '../../mongo/catalog.ts';
import { readRaw, scan } from '../../mongo/raw-read.ts';
import { createDigester } from '../../mongo/digest.ts';
import { metadataText } from '../../backup/metadata.ts';
import { writeArchive, type ArchiveEntry } from '../../backup/stock/archive-writer.ts';
import { connectBy, readArguments, version } from './arguments.ts';

const options = readArguments({
  version: { type: 'boolean' },
  config: { type: 'string' },
  archive: { type: 'boolean' },
  db: { type: 'string' },
  excludeCollection: { type: 'string', multiple: true, default: [] },
});

if (options.version === true) console.log(`mongodump version: ${version}`);
else await dump(options.db ?? '');

async function dump(database: string): Promise<void> {
  await using connection = await connectBy(options.config);
  const { client, serverVersion } = connection;
  const catalog = await readCatalog(client, database, { wanted: (name) => !name.startsWith('system.') || name === 'system.js' });
  const entries = catalog
    .filter(({ name }) => !options.excludeCollection.includes(name))
    .map((entry): ArchiveEntry => {
      const source = entry.type === 'timeseries' ? bucketsOf(entry.name) : entry.name;
      return {
        database,
        collection: entry.name,
        type: entry.type,
        metadata: metadataText(entry),
        source,
        async *documents() {
          if (entry.type === 'view') return;
          console.error(`writing ${database}.${entry.name} to archive on stdout`);
          for await (const batch of readRaw({ client, database, collection: source, command: scan(source, {}) })) {
            const run = createDigester().addArray(batch);
            if (run.documents > 0) yield run;
          }
        },
      };
    });
  for await (const chunk of writeArchive(entries, { server: serverVersion, tool: version }))
    if (!process.stdout.write(chunk)) await once(process.stdout, 'drain');
}
