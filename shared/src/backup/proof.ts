import { z } from 'zod';
import { defineDocument } from '../documents/document.ts';
import { digestSchema, type Digest } from '../mongo/digest.ts';
import type { BackupStore } from './store.ts';

export const proofKinds = ['read', 'restore'] as const;
/** `read`: every byte was read back from the store; `restore`: it was restored into a server and counted there. */
export type ProofKind = (typeof proofKinds)[number];

const schema = z.object({
  version: z.literal(1),
  kind: z.enum(proofKinds),
  /** ISO 8601. */
  at: z.string(),
  digest: digestSchema,
});

/** That a backup was proven, how and when. Kept beside the manifest, which never changes. */
export type Proof = z.infer<typeof schema>;

const proofDocument = defineDocument('proof of a backup', 1, schema);

export const proofsFolder = (id: string): string => `${id}/proofs/`;

export async function recordProof(store: BackupStore, id: string, proof: { kind: ProofKind; at: Date; digest: Digest }): Promise<void> {
  const at = proof.at.toISOString();
  const file = `${proofsFolder(id)}${at.replace(/[-:.]/g, '')}-${proof.kind}.json`;
  await store.put(file, `${JSON.stringify({ version: 1, kind: proof.kind, at, digest: proof.digest } satisfies Proof, undefined, 1)}\n`);
}

/** The strongest and newest proof of a backup, or `undefined`. A proof that cannot be read counts for nothing. */
export async function newestProof(store: BackupStore, id: string): Promise<Proof | undefined> {
  const proofs: Proof[] = [];
  for (const { path } of await store.files(`${id}/proofs`)) {
    const proof = await readProof(store, path);
    if (proof !== undefined) proofs.push(proof);
  }
  const rank = ({ kind, at }: Proof): string => `${proofKinds.indexOf(kind)} ${at}`;
  return proofs.toSorted((a, b) => (rank(a) < rank(b) ? 1 : -1))[0];
}

async function readProof(store: BackupStore, path: string): Promise<Proof | undefined> {
  const content = await store.read(path);
  try {
    return proofDocument.parse(JSON.parse(content?.toString('utf8') ?? ''), path);
  } catch {
    return undefined;
  }
}
