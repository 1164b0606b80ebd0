import { cycleThrough, staticClosure, type Import, type ImportGraph } from './graph.ts';

const isTest = (file: string): boolean => /\.test\.ts$|^(tests|bench)\/|\/test\//.test(file);
const isTooling = (file: string): boolean => /^(scripts|demo)\//.test(file) || file.startsWith('shared/src/testing/');
const actionOf = (file: string): string | undefined => /^(action-[^/]+)\//.exec(file)?.[1];
/** What may not be loaded before an action has checked its inputs and said its first line. */
const heavy = /^(mongodb|mongodb-memory-server-core|zod|yaml|nodemailer|sucrase|hash-wasm|@slack\/webhook|@actions\/.*|@aws-sdk\/.*)(\/|$)/;

/** From the ground up; nothing imports upwards. What no row names is an engine. */
const heights: readonly (readonly [RegExp, number])[] = [
  [
    /^shared\/src\/(errors|log|redaction|timing)\/|^shared\/src\/(action\/(kinds|inputs|parse|spec|context)|config\/(duration|nearest|problem))\.ts$/,
    0,
  ],
  [/^shared\/src\/action\//, 4],
  [/^shared\/src\/documents\//, 1],
  [/^shared\/src\/(mongo|http)\//, 2],
  [/^shared\/src\/testing\//, 5],
];
const engineHeight = 3;
const height = (file: string): number => heights.find(([pattern]) => pattern.test(file))?.[1] ?? engineHeight;

/** Files that plan, render, parse or compare: data in, data out. */
const pure = [
  /^shared\/src\/report\/(?!run-report)/,
  /^shared\/src\/(errors|redaction)\//,
  /^shared\/src\/action\/(parse|kinds|inputs|spec)\.ts$/,
  /\/(plan|parse|compare|judge|render|evaluate)(-[\w-]+)?\.ts$/,
];
const sideEffects = /^(node:)?(fs|fs\/promises|child_process|net|tls|http|https|dgram|worker_threads)$|^mongodb$|^@aws-sdk\//;

/** Every breach of the rules of place and direction, one line each. Pure. */
export function layerViolations(graph: ImportGraph, sources: ReadonlyMap<string, string>): readonly string[] {
  const violations: string[] = [];
  for (const [file, imports] of graph) {
    for (const found of imports) {
      const reason = forbidden(file, found);
      if (reason !== undefined) violations.push(`${file}: imports ${found.target}: ${reason}`);
    }
    if (!isTest(file) && !isTooling(file) && !file.startsWith('shared/src/action/') && /\bprocess\.env\b/.test(sources.get(file) ?? '')) {
      violations.push(`${file}: reads process.env: only the shell does, engines are given env`);
    }
  }
  return [...violations, ...earlyLoads(graph), ...cycles(graph)];
}

function forbidden(file: string, { target, own, typeOnly }: Import): string | undefined {
  const [from, to] = [actionOf(file), actionOf(target)];
  if (own && to !== undefined && to !== from && !isTooling(file) && !isTest(file)) return 'an action is imported by nothing but itself';
  if (target.startsWith('@migration-guard/action-')) return 'actions talk through documents, not imports';
  if (isTest(file) || isTooling(file)) return undefined;
  if (target.startsWith('@actions/') && !/^shared\/src\/(action|notify)\//.test(file))
    return '@actions/* belongs to the shell and to notify';
  if (own && target.startsWith('shared/src/testing/')) return 'test helpers never get into a bundle';
  if (!typeOnly && sideEffects.test(target) && pure.some((pattern) => pattern.test(file))) return 'this file is pure and does no I/O';
  if (own && !typeOnly && file.startsWith('shared/src/') && height(file) < height(target)) return 'it stands above this file';
  return undefined;
}

/** Packages that an entry or a spec loads at once although only a story needs them. */
function earlyLoads(graph: ImportGraph): string[] {
  const entries = [...graph.keys()].filter((file) => /^action-[^/]+\/(src\/main|spec)\.ts$/.test(file));
  return entries.flatMap((file) =>
    [...staticClosure(graph, file)]
      .filter((target) => heavy.test(target))
      .map((target) => `${file}: loads ${target} at start: import it dynamically`),
  );
}

function cycles(graph: ImportGraph): string[] {
  const found = new Map<string, string>();
  for (const file of graph.keys()) {
    const cycle = cycleThrough(graph, file);
    if (cycle !== undefined) found.set([...new Set(cycle)].sort().join(), `${file}: import cycle ${cycle.join(' → ')}`);
  }
  return [...found.values()];
}
