import { describe, expect, test } from '@jest/globals';
import { untrustedReason } from './fork-safety.ts';

const remote = 'mongodb+srv://user:password@cluster.example.net/shop';
const pull = (head: string | null) => ({
  repository: { full_name: 'o/r' },
  pull_request: { head: { repo: head === null ? null : { full_name: head } } },
});
const workflowRun = (head: string) => ({ repository: { full_name: 'o/r' }, workflow_run: { head_repository: { full_name: head } } });

describe('untrustedReason', () => {
  test.each([
    ['a pull request of a fork', 'pull_request_target', pull('x/r')],
    ['a pull request whose fork was deleted', 'pull_request_target', pull(null)],
    ['a run that a fork started', 'workflow_run', workflowRun('x/r')],
    ['a comment', 'issue_comment', { repository: { full_name: 'o/r' } }],
    ['a payload that cannot be read', 'workflow_run', undefined],
  ])('refuses %s', (_what, event, payload) => {
    expect(untrustedReason(event, payload, remote)).toContain(event);
  });

  test.each([
    ['a push', 'push', {}],
    ['a pull request of the same repository', 'pull_request_target', pull('o/r')],
    ['a run of the same repository', 'workflow_run', workflowRun('o/r')],
    ['a pull request without secrets', 'pull_request', pull('x/r')],
  ])('trusts %s', (_what, event, payload) => {
    expect(untrustedReason(event, payload, remote)).toBeUndefined();
  });

  test.each(['mongodb://localhost:27017/shop', 'mongodb://a:b@127.0.0.1:1,127.0.0.1:2/?replicaSet=rs', 'mongodb://[::1]/'])(
    'lets everybody reach %s',
    (uri) => {
      expect(untrustedReason('issue_comment', {}, uri)).toBeUndefined();
    },
  );

  test('one local host among remote ones is not local', () => {
    expect(untrustedReason('issue_comment', {}, 'mongodb://localhost,db.example.net/')).toBeDefined();
  });
});
