/** What a migration did to one collection, counted from the server's replies. */
export interface CollectionEffect {
  readonly inserted: number;
  readonly modified: number;
  readonly deleted: number;
}

/** What a migration did, from the commands that its client sent. Never holds document contents. */
export interface Effects {
  /** By collection name. */
  readonly collections: Readonly<Record<string, CollectionEffect>>;
  /** Commands that changed structure or whose reply does not count documents, for example `createIndexes orders`, `$out orders`. */
  readonly structure: readonly string[];
  /** Writes that the server refused within commands that succeeded, and write commands that failed. */
  readonly writeErrors: number;
}

export const noEffects: Effects = { collections: {}, structure: [], writeErrors: 0 };

/** Documents inserted, modified and deleted. */
export function documentsChanged({ collections }: Effects): number {
  return Object.values(collections).reduce((sum, { inserted, modified, deleted }) => sum + inserted + modified + deleted, 0);
}

export function changedNothing(effects: Effects): boolean {
  return documentsChanged(effects) === 0 && effects.structure.length === 0;
}

/** For people: `orders: 3 inserted, 10 modified; createIndexes orders`. */
export function describeEffects(effects: Effects): string {
  const counts = Object.entries(effects.collections).map(([name, { inserted, modified, deleted }]) => {
    const parts = Object.entries({ inserted, modified, deleted }).filter(([, count]) => count > 0);
    return `${name}: ${parts.map(([what, count]) => `${count} ${what}`).join(', ')}`;
  });
  const written = [...counts, ...effects.structure];
  return written.length === 0 ? '0 documents changed' : written.join('; ');
}
