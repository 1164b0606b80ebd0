import { randomUUID } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { EOL } from 'node:os';
import { GuardError } from '../errors/guard-error.ts';
import type { Log } from '../log/log.ts';
import { derivedForms } from '../redaction/derived-forms.ts';
import { redact } from '../redaction/redact.ts';
import { annotationOf, fileEntry, workflowCommand } from './workflow-command.ts';

/** The GitHub runner as the shell sees it: environment in, workflow commands and runner files out. */
export interface Runtime {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  /** Texts of the inputs that the runner passed, by kebab-case name. */
  readonly inputs: ReadonlyMap<string, string>;
  /** Hides a secret in every form in which it may turn up. */
  mask(secret: string): void;
  /** A copy of `value` in which no masked text is left, for files that the runner does not mask. */
  redact<T>(value: T): T;
  setOutput(name: string, value: string): void;
  saveState(name: string, value: string): void;
  /** What the main step saved, in the post step; empty when nothing was. */
  state(name: string): string;
  appendSummary(markdown: string): void;
  /** Throws `input/invalid` when the job may not have one. */
  idToken(audience: string): Promise<string>;
}

// Our own spelling of INPUT_ names: the runner keeps dashes and replaces only blanks by underscores.
const inputPrefix = 'INPUT_';

/** The runtime of a real job, or of anything that starts the bundle in the same way. */
export function githubRuntime(env: Readonly<Record<string, string | undefined>> = process.env): Runtime {
  const masked = new Set<string>();
  return {
    env,
    log: githubLog(),
    inputs: readInputs(env),
    mask: (secret) => {
      for (const form of derivedForms(secret)) {
        masked.add(form);
        issue('add-mask', form);
      }
    },
    redact: (value) => redact(value, [...masked]),
    setOutput: (name, value) => keep(env['GITHUB_OUTPUT'], 'set-output', { name, value }),
    saveState: (name, value) => keep(env['GITHUB_STATE'], 'save-state', { name, value }),
    state: (name) => env[`STATE_${name}`] ?? '',
    appendSummary: (markdown) => {
      const file = env['GITHUB_STEP_SUMMARY'];
      if (file !== undefined && file !== '') appendFileSync(file, markdown);
    },
    idToken: async (audience) => {
      if (!env['ACTIONS_ID_TOKEN_REQUEST_URL'])
        throw new GuardError('input/invalid', 'An ID token of GitHub is needed, and the job lacks the permission `id-token: write`.');
      const { getIDToken } = await import('@actions/core');
      return getIDToken(audience);
    },
  };
}

function readInputs(env: Readonly<Record<string, string | undefined>>): ReadonlyMap<string, string> {
  const inputs = new Map<string, string>();
  for (const [name, value] of Object.entries(env)) {
    if (name.startsWith(inputPrefix) && value !== undefined) inputs.set(name.slice(inputPrefix.length).toLowerCase(), value.trim());
  }
  return inputs;
}

function issue(...command: Parameters<typeof workflowCommand>): void {
  process.stdout.write(workflowCommand(...command));
}

/** Adds to a file of the runner; where there is none, the older command says it, as @actions/core does. */
function keep(file: string | undefined, command: string, { name, value }: { readonly name: string; readonly value: string }): void {
  if (file === undefined || file === '') issue(command, value, { name });
  else appendFileSync(file, fileEntry(name, value, `ghadelimiter_${randomUUID()}`));
}

function githubLog(): Log {
  return {
    debug: (message) => issue('debug', message),
    info: (message) => void process.stdout.write(`${message}${EOL}`),
    notice: (message, place) => issue('notice', message, annotationOf(place)),
    warning: (message, place) => issue('warning', message, annotationOf(place)),
    error: (message, place) => issue('error', message, annotationOf(place)),
    group: async (name, body) => {
      issue('group', name);
      try {
        return await body();
      } finally {
        issue('endgroup', '');
      }
    },
  };
}
