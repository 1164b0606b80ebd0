import { callStep, type Step, type StepArguments } from './call.ts';
import type { Direction } from './protocol.ts';

/** Names of the functions, where a project calls them otherwise than `up` and `down`. */
export interface StepNames {
  readonly up: string;
  readonly down: string;
}

/** The two steps of a migration, however its file exports them. */
export interface Shape {
  readonly down: boolean;
  /** Of a class that the file exports. */
  readonly className?: string;
  /** Runs a step to its end. Each run of a class gets an instance of its own, made of database and client. */
  readonly run: (direction: Direction, ...given: StepArguments) => Promise<void>;
  /** What the file exports under a name beside the steps, or its class holds as a static field. */
  readonly constant: (name: string) => unknown;
}

/** What is wrong with the exports, as the end of a sentence about the file. */
export interface Misshapen {
  readonly message: string;
  readonly remedy: string;
}

type Exports = Readonly<Record<string, unknown>>;
type MigrationClass = (new (...args: unknown[]) => Exports) & Exports;

/**
 * Finds the steps in what a file exports: functions, an object or an instance as default export, or one class. A file that exports several
 * classes, none at all, or a class that wants more than the database and the client, is misshapen.
 */
export function shapeOf(exported: Exports, names: StepNames): Shape | Misshapen {
  const found = stepsIn(exported, names);
  if ('message' in found) return found;
  const constant = (name: string): unknown =>
    [...found.holders, ...containers(exported)].map((holder) => holder[name]).find((value) => value !== undefined);
  return { ...found.shape, constant };
}

interface Found {
  readonly shape: Omit<Shape, 'constant'>;
  readonly holders: readonly Exports[];
}

function stepsIn(exported: Exports, names: StepNames): Found | Misshapen {
  const direct = containers(exported).find((candidate) => stepNamed(candidate, 'up', names) ?? stepNamed(candidate, 'down', names));
  if (direct !== undefined) return objectShape(direct, names);
  const classes = classesIn(exported, names);
  const [[className, only] = []] = classes;
  if (className === undefined || only === undefined)
    return misshapen(`exports no function ${names.up} and no function ${names.down}`, names);
  if (classes.length > 1) {
    const message = `exports ${classes.length} migrations (${classes.map(([name]) => name).join(', ')})`;
    return { message, remedy: 'Give each of them a file of its own: a migration is known by the name of its file.' };
  }
  return classShape(className, only, names);
}

function objectShape(target: Exports, names: StepNames): Found | Misshapen {
  const up = stepNamed(target, 'up', names);
  if (up === undefined) return misshapen(`exports no function ${names.up}`, names);
  const steps = { up, down: stepNamed(target, 'down', names) };
  const run: Shape['run'] = (direction, ...given) => callStep(target, existing(steps[direction], direction), given);
  return { shape: { down: steps.down !== undefined, run }, holders: [target] };
}

function classShape(className: string, only: MigrationClass, names: StepNames): Found | Misshapen {
  const prototype = only.prototype as Exports;
  if (stepNamed(prototype, 'up', names) === undefined)
    return misshapen(`exports the class ${className} without a method ${names.up}`, names);
  if (only.length > 2) {
    const message = `exports the class ${className}, whose constructor takes ${only.length} values`;
    return { message, remedy: 'Only db and client can be given: take them in the constructor or in the methods, and nothing else.' };
  }
  const run: Shape['run'] = async (direction, ...given) => {
    const instance = new only(given[0], given[1]);
    await callStep(instance, existing(stepNamed(instance, direction, names), direction), given);
  };
  return { shape: { down: stepNamed(prototype, 'down', names) !== undefined, className, run }, holders: [only] };
}

/** The exports themselves or what lies under `default`, once for ESM, twice for CommonJS that was compiled from ESM; the innermost first. */
function containers(exported: Exports): readonly Exports[] {
  const inner = exported['default'];
  const innermost = isContainer(inner) ? inner['default'] : undefined;
  return [innermost, inner, exported].filter(isContainer);
}

function classesIn(exported: Exports, names: StepNames): readonly (readonly [string, MigrationClass])[] {
  const found = new Map<MigrationClass, string>();
  for (const container of containers(exported)) {
    for (const value of [container, ...Object.values(container)]) {
      if (isMigrationClass(value, names)) found.set(value, typeof value['name'] === 'string' ? value['name'] : 'without a name');
    }
  }
  return [...found].map(([value, name]) => [name, value]);
}

function isMigrationClass(value: unknown, names: StepNames): value is MigrationClass {
  if (typeof value !== 'function') return false;
  const prototype = value.prototype as unknown;
  if (!isContainer(prototype)) return false;
  return (stepNamed(prototype, 'up', names) ?? stepNamed(prototype, 'down', names)) !== undefined;
}

/** The configured name counts first; `up` and `down` are known everywhere. */
function stepNamed(target: Exports, direction: Direction, names: StepNames): Step | undefined {
  return [target[names[direction]], target[direction]].find((value) => typeof value === 'function') as Step | undefined;
}

function isContainer(value: unknown): value is Exports {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

function existing(step: Step | undefined, direction: Direction): Step {
  if (step === undefined) throw new Error(`it exports no function ${direction}`);
  return step;
}

function misshapen(message: string, { up, down }: StepNames): Misshapen {
  return { message, remedy: `Export ${up}(db, client) and ${down}(db, client), or a class with these methods.` };
}
