import { createDigester, emptyDigest } from '../../mongo/digest.ts';
import { documentEnd, type DocumentRun } from '../../mongo/raw-bson.ts';
import { writeDocumentFile } from '../document-file.ts';
import { pathsOf, writeMetadata, type DumpOptions } from '../dump-collection.ts';
import type { DecodedFrame } from '../frame-reader.ts';
import type { ManifestCollection } from '../manifest.ts';
import { proveMetadata } from '../metadata.ts';
import type { PlannedCollection } from '../planned-collection.ts';

/** Writes one collection into the backup's folder, its documents as somebody else reads them; a view has none. */
export async function keepCollection(
  options: DumpOptions,
  planned: PlannedCollection,
  documents?: AsyncIterable<DecodedFrame>,
): Promise<ManifestCollection> {
  const { database, entry, source } = planned;
  proveMetadata(database, entry);
  const metadata = await writeMetadata(options, planned);
  const described = { database, ...entry, pointInTime: false, metadata };
  if (source === undefined || documents === undefined) return { ...described, digest: emptyDigest };
  const digester = createDigester();
  const paths = { ...pathsOf(database, source), expectedBytes: 0 };
  const { data } = await writeDocumentFile(options, paths, async (frames) => {
    for await (const { bytes, documents: count } of documents) {
      digester.add(bytes);
      frames.add(runOf(bytes, count));
      options.progress.add(count, bytes.length);
      await frames.ready();
    }
  });
  return { ...described, data, digest: digester.digest() };
}

function runOf(bytes: Buffer, documents: number): DocumentRun {
  let lastStart = 0;
  for (let end = documentEnd(bytes, 0); end < bytes.length; end = documentEnd(bytes, end)) lastStart = end;
  return { bytes, documents, lastStart };
}
