import { z } from 'zod';
import { defineDocument } from '../documents/document.ts';
import { readProven, type ManifestCollection } from './manifest.ts';
import type { BackupStore } from './store.ts';

const frame = z.object({
  /** Where the frame begins in its file, bytes. */
  offset: z.number(),
  /** Bytes in the file. */
  stored: z.number(),
  /** Bytes of BSON. */
  plain: z.number(),
  documents: z.number(),
  /** Of the bytes in the file. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** `_id` of the first and the last document as canonical Extended JSON, left out when there is none or it is long. */
  firstId: z.string().exactOptional(),
  lastId: z.string().exactOptional(),
});

const schema = z.object({ version: z.literal(1), file: z.string(), frames: z.array(frame).readonly() });

/** One independently compressed run of whole documents. */
export type Frame = z.infer<typeof frame>;
/** Where the frames of a data file are. */
export type FrameTable = z.infer<typeof schema>;

const frameTable = defineDocument('frame table', 1, schema);

export function frameTableText(table: FrameTable): string {
  return `${JSON.stringify(table)}\n`;
}

/** Reads the frame table of a collection, proven by the manifest. Throws `backup/incomplete`, `backup/checksum-mismatch`. */
export async function readFrameTable(store: BackupStore, id: string, data: NonNullable<ManifestCollection['data']>): Promise<FrameTable> {
  const bytes = await readProven(store, id, data.table);
  return frameTable.parse(JSON.parse(bytes.toString('utf8')), `${id}/${data.table.path}`);
}
