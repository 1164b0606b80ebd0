import { callsOf, type DriverCall } from './calls.ts';
import type { Comment, Parsed } from './parse.ts';
import { scopesOf, type Scopes } from './scope.ts';
import type { LintSettings } from './settings.ts';
import { stepsOf, type Steps } from './steps.ts';
import { ancestors, type Node, type Tree } from './tree.ts';
import { valuesOf, type Values } from './values.ts';

/** A migration as text. */
export interface Source {
  /** Path relative to the workspace. */
  readonly file: string;
  readonly text: string;
}

/** All that a rule may look at in one migration. */
export interface LintFile {
  /** Path relative to the workspace. */
  readonly name: string;
  readonly tree: Tree;
  readonly scopes: Scopes;
  readonly values: Values;
  readonly steps: Steps;
  readonly comments: readonly Comment[];
  readonly calls: readonly DriverCall[];
  /** The calls that `up` makes, or code that belongs to neither step. */
  readonly upCalls: readonly DriverCall[];
  readonly settings: LintSettings;
  ancestors(node: Node): Iterable<Node>;
}

export function openFile({ file: name, text }: Source, { tree, comments }: Parsed, settings: LintSettings): LintFile {
  const scopes = scopesOf(tree);
  const values = valuesOf(tree, scopes);
  const steps = stepsOf(tree, scopes);
  const calls = callsOf({ tree, scopes, values, steps, text });
  const upCalls = calls.filter(({ node }) => !steps.onlyInDown(node));
  return { name, tree, scopes, values, steps, comments, calls, upCalls, settings, ancestors: (node) => ancestors(tree, node) };
}
