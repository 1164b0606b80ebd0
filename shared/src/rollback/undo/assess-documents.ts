import { keyHash } from '../../migration/write-command.ts';
import type { CatalogEntry } from '../../mongo/catalog.ts';
import type { DefinitionPlan } from './definition-plan.ts';
import type { DocumentHistory } from './history.ts';
import type { Observed } from './observed.ts';
import type { Pending } from './put-documents-back.ts';
import { unknownState, wantedDocument, type Wanted } from './touch.ts';
import type { ConflictChoice, UndoConflict } from './contract.ts';
import type { PutBack } from './write-back.ts';

/** Earlier states of documents that the server did not keep. */
export type OlderStates = (history: DocumentHistory) => Buffer | undefined | typeof unknownState;

export interface DocumentAssessment {
  readonly documents: number;
  readonly bytes: number;
  /** By collection. */
  readonly counts: ReadonlyMap<string, { readonly back: number; readonly deleted: number }>;
  readonly conflicts: readonly UndoConflict[];
  /** Documents whose earlier states are not known, by UUID. */
  readonly unknown: ReadonlyMap<string, readonly DocumentHistory[]>;
}

/** So many documents of a conflict are named. */
const idsTold = 20;

/** The documents that have to be put back one by one, by the collections that are there now. */
export function pendingDocuments(
  observed: Observed,
  catalog: readonly CatalogEntry[],
  { made }: Pick<DefinitionPlan, 'made'>,
): readonly Pending[] {
  return catalog.flatMap(({ name, uuid, options }) => {
    if (uuid === undefined || made.has(uuid)) return [];
    const histories = [...observed.histories.of(uuid)].filter(({ writes }) =>
      writes.some(({ claim, time }) => observed.author(claim, time) !== 'others'),
    );
    return histories.length === 0 ? [] : [{ collection: name, validated: options.includes('"validator":'), histories }];
  });
}

/** How a document has to be. Throws nothing: what is not known is said. */
export function wantedOf(
  observed: Observed,
  history: DocumentHistory,
  { choice, older }: { readonly choice: ConflictChoice; readonly older: OlderStates },
): Wanted | typeof unknownState | undefined {
  return wantedDocument(observed.histories.touches(history, observed.author), choice, () => older(history));
}

/** What putting them back means. */
export function assessDocuments(
  observed: Observed,
  pending: readonly Pending[],
  how: { readonly choice: ConflictChoice; readonly older: OlderStates },
): DocumentAssessment {
  let documents = 0;
  let bytes = 0;
  const counts = new Map<string, { back: number; deleted: number }>();
  const conflicts = new Map<string, { readonly collection: string; readonly why: string; documents: number; readonly ids: string[] }>();
  const unknown = new Map<string, DocumentHistory[]>();
  for (const { collection, histories } of pending) {
    const count = { back: 0, deleted: 0 };
    counts.set(collection, count);
    for (const history of histories) {
      const wanted = wantedOf(observed, history, how);
      if (wanted === undefined) continue;
      if (wanted === unknownState) {
        unknown.set(history.uuid, [...(unknown.get(history.uuid) ?? []), history]);
        continue;
      }
      if (wanted.leave !== true) {
        documents += 1;
        bytes += wanted.document?.length ?? 0;
        if (wanted.document === undefined) count.deleted += 1;
        else count.back += 1;
      }
      if (wanted.conflict === undefined) continue;
      const key = `${collection}\n${wanted.conflict}`;
      const known = conflicts.get(key) ?? { collection, why: wanted.conflict, documents: 0, ids: [] };
      known.documents += 1;
      if (known.ids.length < idsTold) known.ids.push(keyHash(history.key).toString('hex'));
      conflicts.set(key, known);
    }
  }
  return { documents, bytes, counts, conflicts: [...conflicts.values()], unknown };
}

export function putBackOf({ key }: DocumentHistory, { document }: Wanted): PutBack {
  return { key, document };
}
