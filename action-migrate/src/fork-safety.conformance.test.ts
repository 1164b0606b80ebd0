import { describe, expect, test } from '@jest/globals';
import { conformanceFolder } from '@migration-guard/shared/testing/conformance';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { untrustedReason } from './fork-safety.ts';

const remote = 'mongodb+srv://user:password@cluster.example.net/shop';
const folder = conformanceFolder('github-payloads');

/** Every payload that GitHub is known to send, by the event that it belongs to. */
const payloads = readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.json'))
  .map((entry) => {
    const payload = JSON.parse(readFileSync(path.join(entry.parentPath, entry.name), 'utf8')) as Payload;
    return [path.basename(entry.parentPath), entry.name, payload] as const;
  });

interface Payload {
  readonly repository?: { readonly full_name: string };
  readonly pull_request?: { readonly head: { readonly repo: { readonly full_name: string } } };
  readonly workflow_run?: { readonly head_repository?: { readonly full_name: string } };
}

const own = ({ repository }: Payload): string | undefined => repository?.full_name;

describe('payloads of GitHub', () => {
  test('are all there', () => expect(payloads).toHaveLength(62));

  test.each(payloads)('%s %s can be read, and comes from a fork exactly when it says so', (event, _name, payload) => {
    const head = payload.workflow_run?.head_repository?.full_name;
    const fork = event === 'workflow_run' && head !== own(payload);
    expect(untrustedReason(event, payload, remote) !== undefined).toBe(fork);
  });

  test.each(payloads.filter(([event]) => event === 'pull_request'))('%s %s as pull_request_target', (_event, _name, payload) => {
    const fork = payload.pull_request?.head.repo.full_name !== own(payload);
    expect(untrustedReason('pull_request_target', payload, remote) !== undefined).toBe(fork);
    const stranger = { ...payload, pull_request: { head: { repo: { full_name: 'stranger/fork' } } } };
    expect(untrustedReason('pull_request_target', stranger, remote)).toContain('pull_request_target');
  });

  test.each(payloads.filter(([event]) => event === 'workflow_run'))('%s %s of a fork', (event, _name, payload) => {
    const stranger = { ...payload, workflow_run: { ...payload.workflow_run, head_repository: { full_name: 'stranger/fork' } } };
    expect(untrustedReason(event, stranger, remote)).toContain('workflow_run');
  });

  test.each(payloads)('%s %s started by a comment', (_event, _name, payload) => {
    expect(untrustedReason('issue_comment', payload, remote)).toContain('issue_comment');
  });
});
