import { readFrames } from '../../backup/frame-reader.ts';
import { readManifest } from '../../backup/manifest.ts';
import type { BackupStore } from '../../backup/store.ts';
import type { Census } from '../../mongo/census.ts';
import { sameDigest } from '../../mongo/digest.ts';
import { forEachDocument } from '../../mongo/raw-bson.ts';
import type { OlderStates } from './assess-documents.ts';
import { keyIn } from './event.ts';
import type { DocumentHistory } from './history.ts';
import type { ImagePlace, ImageStore } from './image-store.ts';
import { unknownState } from './touch.ts';

export interface OlderOptions {
  readonly backup: { readonly store: BackupStore; readonly id: string };
  readonly point: Census;
  /** By UUID at the point. */
  readonly wanted: ReadonlyMap<string, readonly DocumentHistory[]>;
  readonly images: ImageStore;
  readonly signal: AbortSignal;
}

/** Nothing is known beside what the server kept. */
export const noOlderStates: OlderStates = () => unknownState;

/**
 * The documents as they were at the point, from the backup: of the collections that the backup holds exactly as the point does. Throws
 * `backup/*`.
 */
export async function olderStatesFrom({ backup, point, wanted, images, signal }: OlderOptions): Promise<OlderStates> {
  const { store, id } = backup;
  const manifest = await readManifest(store, id);
  const held = new Map<string, Map<string, ImagePlace | undefined>>();
  for (const [uuid, histories] of wanted) {
    const collection = point.collections.find((entry) => entry.uuid === uuid);
    const source = manifest.collections.find(({ database, name }) => database === point.database && name === collection?.name);
    if (collection?.digest === undefined || source?.data === undefined || !sameDigest(source.digest, collection.digest)) continue;
    const places = new Map<string, ImagePlace | undefined>(histories.map(({ key }) => [key.toString('latin1'), undefined]));
    for await (const { bytes } of readFrames({ store, id, compression: manifest.compression, data: source.data, signal })) {
      forEachDocument(bytes, (start, end) => {
        const document = bytes.subarray(start, end);
        const key = keyIn(document)?.toString('latin1');
        if (key !== undefined && places.has(key)) places.set(key, images.keep(document));
      });
    }
    held.set(uuid, places);
  }
  return ({ uuid, key }) => {
    const places = held.get(uuid);
    const id_ = key.toString('latin1');
    if (places === undefined || !places.has(id_)) return unknownState;
    const place = places.get(id_);
    return place === undefined ? undefined : images.read(place);
  };
}
