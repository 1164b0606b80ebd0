/**
 * The smallest sample that at least `share` (0–1) of all samples do not exceed: nearest rank, so always a value that was really measured.
 * `samples` need not be sorted; throws for none.
 */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  if (value === undefined) throw new RangeError('There is no percentile of nothing.');
  return value;
}
