import { callerOf } from './fault.ts';

/** An environment variable that is not set and was read while a file was loaded. */
export interface UnsetVariable {
  readonly name: string;
  readonly file: string;
  readonly line?: number;
}

/** Watches the environment for variables that code of the project reads and that are not set; what packages look for is their own affair. */
export interface EnvironmentWatch {
  /** What was read since the last call. */
  take(): readonly UnsetVariable[];
}

/** Read for the colour and the detail of what is printed, and never needed. */
const ambient = /^(NODE_|npm_|FORCE_COLOR$|NO_COLOR$|DEBUG$|TERM$|COLORTERM$|TZ$)/;

/** Replaces the environment of a process by one that is watched. */
export function watchEnvironment(program: Pick<NodeJS.Process, 'env'>): EnvironmentWatch {
  const found = new Map<string, UnsetVariable>();
  program.env = new Proxy(program.env, {
    get(target, name, receiver) {
      const value: unknown = Reflect.get(target, name, receiver);
      if (value === undefined && typeof name === 'string' && !ambient.test(name)) note(name, found);
      return value;
    },
  });
  return {
    take: () => {
      const all = [...found.values()];
      found.clear();
      return all;
    },
  };
}

function note(name: string, found: Map<string, UnsetVariable>): void {
  const place = found.has(name) ? undefined : callerOf(new Error('read here'));
  if (place?.file === undefined) return;
  found.set(name, { name, file: place.file, ...(place.line === undefined ? {} : { line: place.line }) });
}
