import { appendFileSync } from 'node:fs';
import * as core from '@actions/core';
import { GuardError, type Place } from '../errors/guard-error.ts';
import type { Log } from '../log/log.ts';
import { derivedForms } from '../redaction/derived-forms.ts';
import { redact } from '../redaction/redact.ts';

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
        core.setSecret(form);
      }
    },
    redact: (value) => redact(value, [...masked]),
    setOutput: (name, value) => core.setOutput(name, value),
    saveState: (name, value) => core.saveState(name, value),
    state: (name) => core.getState(name),
    appendSummary: (markdown) => {
      const file = env['GITHUB_STEP_SUMMARY'];
      if (file !== undefined && file !== '') appendFileSync(file, markdown);
    },
    idToken: async (audience) => {
      if (!env['ACTIONS_ID_TOKEN_REQUEST_URL'])
        throw new GuardError('input/invalid', 'An ID token of GitHub is needed, and the job lacks the permission `id-token: write`.');
      return core.getIDToken(audience);
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

function githubLog(): Log {
  return {
    debug: (message) => core.debug(message),
    info: (message) => core.info(message),
    notice: (message, place) => core.notice(message, annotation(place)),
    warning: (message, place) => core.warning(message, annotation(place)),
    error: (message, place) => core.error(message, annotation(place)),
    group: (name, body) => core.group(name, body),
  };
}

function annotation(place: Place | undefined): core.AnnotationProperties {
  if (place === undefined) return {};
  return {
    file: place.file,
    ...(place.line === undefined ? {} : { startLine: place.line }),
    ...(place.column === undefined ? {} : { startColumn: place.column }),
  };
}
