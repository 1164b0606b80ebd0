const units = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'] as const;

/** Bytes for a person, in decimal units: `0 B`, `583 MB`, `1.2 GB`. */
export function formatBytes(bytes: number): string {
  const power = Math.min(Math.max(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), 0), units.length - 1);
  const value = bytes / 1_000 ** power;
  return `${value >= 10 || power === 0 ? Math.round(value) : value.toFixed(1)} ${units[power]}`;
}
