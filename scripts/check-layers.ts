import { importGraph } from './imports/graph.ts';
import { layerViolations } from './imports/layers.ts';
import { readTracked, trackedFiles } from './tracked-files.ts';

/** Rules of place and direction, read from the import graph. */
export function check(): readonly string[] {
  const files = trackedFiles(/^(shared\/src|action-[^/]+|scripts|demo|tests|bench)\/.*\.ts$/).filter((file) => !file.endsWith('.d.ts'));
  const sources = new Map(files.map((file) => [file, readTracked(file)]));
  return layerViolations(importGraph(sources), sources);
}
