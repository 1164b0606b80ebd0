const bucketsPrefix = 'system.buckets.';

/** What mongodump writes beside the collections of users: users and roles, views as documents, profiles. */
export function isLeftOut(collection: string): boolean {
  return (collection.startsWith('system.') && collection !== 'system.js') || collection.startsWith('$');
}

/** The time series whose documents this collection holds. */
export function seriesOf(collection: string): string | undefined {
  return collection.startsWith(bucketsPrefix) ? collection.slice(bucketsPrefix.length) : undefined;
}
