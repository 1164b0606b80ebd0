import { getOctokit } from '@actions/github';
import { GuardError } from '../errors/guard-error.ts';
import type { Secret } from '../redaction/secret.ts';
import type { Finding } from '../report/run-report.ts';
import type { Tone } from '../report/verdict.ts';

/** GitHub refuses a longer summary (65,535 characters). */
export const checkRunBytes = 65_000;
/** GitHub takes so many annotations with one request. */
const annotationsTogether = 50;
/** More than a page can show. */
const mostAnnotations = 1_000;

export interface CheckRunOptions {
  readonly token: Secret;
  /** For example `https://api.github.com`. */
  readonly apiUrl: string;
  /** `owner/name`. */
  readonly repository: string;
  /** The commit on which it is shown: of a pull request, its head. */
  readonly sha: string;
  /** A later check run of this name on the same commit takes the place of an earlier one. */
  readonly name: string;
  readonly tone: Tone;
  readonly title: string;
  /** Markdown of at most `checkRunBytes`. */
  readonly summary: string;
  /** Those with a place become annotations on their lines. */
  readonly findings: readonly Finding[];
  readonly detailsUrl: string;
  readonly signal: AbortSignal;
}

const conclusions = { passed: 'success', warned: 'neutral', failed: 'failure', inconclusive: 'neutral', restored: 'failure' } as const;
const levels = { error: 'failure', warning: 'warning', note: 'notice' } as const;

/** Shows the run as a check run with annotations. Throws `notify/check-run-denied` or `notify/check-run`. */
export async function writeCheckRun(options: CheckRunOptions): Promise<void> {
  const [owner = '', repo = ''] = options.repository.split('/');
  const { rest } = getOctokit(options.token.reveal(), { baseUrl: options.apiUrl, request: { signal: options.signal } });
  const [first = [], ...others] = batches(annotationsOf(options.findings));
  const output = { title: options.title.slice(0, 255), summary: options.summary };
  try {
    const { data } = await rest.checks.create({
      owner,
      repo,
      name: options.name,
      head_sha: options.sha,
      details_url: options.detailsUrl,
      status: 'completed',
      conclusion: conclusions[options.tone],
      output: { ...output, annotations: first },
    });
    for (const annotations of others) await rest.checks.update({ owner, repo, check_run_id: data.id, output: { ...output, annotations } });
  } catch (error) {
    throw failure(error, options.name);
  }
}

interface Annotation {
  readonly path: string;
  readonly start_line: number;
  readonly end_line: number;
  readonly start_column?: number;
  readonly end_column?: number;
  readonly annotation_level: 'failure' | 'warning' | 'notice';
  readonly title: string;
  readonly message: string;
}

function annotationsOf(findings: readonly Finding[]): readonly Annotation[] {
  return findings
    .flatMap(({ severity, rule, message, place }): readonly Annotation[] => {
      if (place === undefined || place.file.startsWith('/')) return [];
      const { file, line = 1, column } = place;
      const columns = column === undefined ? {} : { start_column: column, end_column: column };
      return [{ path: file, start_line: line, end_line: line, ...columns, annotation_level: levels[severity], title: rule, message }];
    })
    .slice(0, mostAnnotations);
}

function batches<Item>(items: readonly Item[]): Item[][] {
  const found: Item[][] = [];
  for (let start = 0; start < items.length; start += annotationsTogether) found.push(items.slice(start, start + annotationsTogether));
  return found;
}

function failure(error: unknown, name: string): GuardError {
  const { status } = error as { readonly status?: number };
  if (status === 401 || status === 403 || status === 404)
    return new GuardError('notify/check-run-denied', `GitHub did not allow the check run ${name} (${status}).`, { cause: error });
  const label = status === undefined || status === 500 ? 'no usable answer' : `status ${status}`;
  return new GuardError('notify/check-run', `GitHub did not take the check run ${name}: ${label}.`, { cause: error });
}
