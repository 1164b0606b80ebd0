import { z } from 'zod';

const repository = z.object({ full_name: z.string() }).nullish();
const payloadSchema = z.object({
  repository,
  pull_request: z.object({ head: z.object({ repo: repository }) }).nullish(),
  workflow_run: z.object({ head_repository: repository }).nullish(),
});

/**
 * Why a run must not reach the server of `uri`: such events run with secrets although a stranger can start them (docs: security
 * hardening for GitHub Actions). Nothing for servers of this machine, which hold no secrets.
 */
export function untrustedReason(event: string, payload: unknown, uri: string): string | undefined {
  if (isLocal(uri)) return undefined;
  const parsed = payloadSchema.safeParse(payload);
  const { repository: own, pull_request: pull, workflow_run: run } = parsed.success ? parsed.data : {};
  switch (event) {
    case 'issue_comment':
      return 'Anybody can start a run by a comment (issue_comment)';
    case 'pull_request_target':
      return isFork(own?.full_name, pull?.head.repo?.full_name) ? 'The pull request comes from a fork (pull_request_target)' : undefined;
    case 'workflow_run':
      return isFork(own?.full_name, run?.head_repository?.full_name) ? 'The run was started by a fork (workflow_run)' : undefined;
    default:
      return undefined;
  }
}

/** A head that is not known counts as a fork. */
function isFork(own: string | undefined, head: string | undefined): boolean {
  return own === undefined || head === undefined || own !== head;
}

function isLocal(uri: string): boolean {
  const hosts = /^mongodb:\/\/(?:[^@/]*@)?([^/?]+)/.exec(uri)?.[1]?.split(',') ?? [];
  return hosts.length > 0 && hosts.every((host) => /^(localhost|127(\.\d+){3}|\[::1\])(:\d+)?$/.test(host) || host.startsWith('%2F'));
}
