import type { CatalogEntry } from '../../mongo/catalog.ts';
import type { Census, CollectionCensus } from '../../mongo/census.ts';

/** A change of a definition since the point. */
export interface DefinitionEvent {
  readonly kind: string;
  readonly by: 'migration' | 'others';
  readonly collection: string;
  readonly uuid: string;
  readonly to: string | undefined;
  /** UUID of the collection that a rename replaced. */
  readonly replaced: string | undefined;
  /** Names of the indexes that it names. */
  readonly indexes: readonly string[];
  /** Whether a restore of ours gave the collection its name. */
  readonly restored: boolean;
}

export interface IndexChange {
  readonly collection: string;
  readonly name: string;
  /** Canonical Extended JSON. */
  readonly index: string;
}

export interface DefinitionPlan {
  /** Why the definitions cannot be put back one by one. */
  readonly impossible?: string;
  /** Collections to get their names back. */
  readonly renames: readonly { readonly uuid: string; readonly from: string; readonly to: string }[];
  /** Collections, by UUID, and views, by name, that the migration made. */
  readonly drops: readonly { readonly uuid: string | undefined; readonly name: string }[];
  /** Collections that the migration dropped: they come from the backup. */
  readonly restores: readonly CollectionCensus[];
  readonly dropIndexes: readonly IndexChange[];
  readonly createIndexes: readonly (IndexChange & { readonly collated: boolean })[];
  /** `collMod` commands, without the name of the collection. */
  readonly modifications: readonly { readonly collection: string; readonly what: string; readonly change: ReadonlyMap<string, unknown> }[];
  readonly createViews: readonly CollectionCensus[];
  /** UUIDs of collections that the migration made, also of those that a restore replaces. */
  readonly made: ReadonlySet<string>;
  /** UUID now of the collections of the point that have another one since a restore. */
  readonly successors: ReadonlyMap<string, string>;
  /** What the definitions have to be: those of the point, and what others changed since. */
  readonly expected: Census;
}

export interface DefinitionInput {
  readonly point: Census;
  readonly now: readonly CatalogEntry[];
  readonly events: readonly DefinitionEvent[];
  /** UUIDs of collections of which we switched pre-images on. */
  readonly switchedOn: ReadonlySet<string>;
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] extends readonly (infer Item)[] ? Item[] : T[Key] };
/** A plan that is being made. */
export type DefinitionDraft = Writable<Omit<DefinitionPlan, 'expected' | 'successors' | 'impossible' | 'made'>> & {
  impossible?: string;
  readonly successors: Map<string, string>;
  readonly made: Set<string>;
  readonly expected: CollectionCensus[];
};
