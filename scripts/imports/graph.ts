import path from 'node:path';

export interface Import {
  /** As written, or the path in the repository when it is one of our own files. */
  readonly target: string;
  readonly own: boolean;
  readonly typeOnly: boolean;
  /** `import(…)`: loaded when needed. */
  readonly dynamic: boolean;
}

/** The imports of every file, by path in the repository. */
export type ImportGraph = ReadonlyMap<string, readonly Import[]>;

const staticImport = /^\s*(?:import|export)\s+(type\s)?(?:([^'";]*?)\sfrom\s+)?'([^']+)'/gm;
const dynamicImport = /\bimport\(\s*'([^']+)'\s*\)/g;

/** Reads the import graph out of TypeScript sources as Prettier formats them. Pure: `sources` maps paths in the repository to texts. */
export function importGraph(sources: ReadonlyMap<string, string>): ImportGraph {
  return new Map([...sources].map(([file, text]) => [file, importsOf(file, text)]));
}

function importsOf(file: string, text: string): readonly Import[] {
  const code = withoutTemplates(text);
  const statics = [...code.matchAll(staticImport)].map(([, type, names, target]) => ({
    ...resolve(file, target ?? ''),
    typeOnly: type !== undefined || onlyTypes(names),
    dynamic: false,
  }));
  const dynamics = [...code.matchAll(dynamicImport)].map(([, target]) => ({
    ...resolve(file, target ?? ''),
    typeOnly: false,
    dynamic: true,
  }));
  return [...statics, ...dynamics.filter(({ target }) => !isTypeQuery(code, target))];
}

/** `{ type A, type B }` imports no value either. */
function onlyTypes(names: string | undefined): boolean {
  const list = /^\{([\s\S]*)\}$/.exec(names?.trim() ?? '')?.[1];
  if (list === undefined) return false;
  const parts = list.split(',').flatMap((part) => (part.trim() === '' ? [] : [part.trim()]));
  return parts.length > 0 && parts.every((part) => part.startsWith('type '));
}

/** `typeof import('x')` is a type. */
function isTypeQuery(code: string, target: string): boolean {
  const uses = code.split(`import('${target}')`);
  return uses.length > 1 && uses.slice(0, -1).every((before) => before.trimEnd().endsWith('typeof'));
}

function withoutTemplates(text: string): string {
  return text.replaceAll(/`(?:\\.|[^`\\])*`/gs, '``');
}

function resolve(file: string, target: string): Pick<Import, 'target' | 'own'> {
  if (target.startsWith('.')) return { target: path.posix.join(path.posix.dirname(file), target), own: true };
  const shared = /^@migration-guard\/shared\/(.+)$/.exec(target)?.[1];
  return shared === undefined ? { target, own: false } : { target: `shared/src/${shared}.ts`, own: true };
}

/** Everything that loading `file` loads with it: own files and packages, dynamic and type imports left out. */
export function staticClosure(graph: ImportGraph, file: string): ReadonlySet<string> {
  const reached = new Set<string>();
  const visit = (target: string): void => {
    if (reached.has(target)) return;
    reached.add(target);
    for (const found of graph.get(target) ?? []) if (!found.typeOnly && !found.dynamic) visit(found.target);
  };
  visit(file);
  reached.delete(file);
  return reached;
}

/** One cycle of static value imports through `file`, as a path that starts and ends there. */
export function cycleThrough(graph: ImportGraph, file: string): readonly string[] | undefined {
  const seen = new Set<string>();
  const search = (current: string, trail: readonly string[]): readonly string[] | undefined => {
    for (const { target, typeOnly, dynamic } of graph.get(current) ?? []) {
      if (typeOnly || dynamic) continue;
      if (target === file) return [...trail, target];
      if (seen.has(target)) continue;
      seen.add(target);
      const found = search(target, [...trail, target]);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return search(file, [file]);
}
