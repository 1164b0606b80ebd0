interface Repository {
  readonly full_name?: unknown;
}

/** The parts of GitHub's event payload that tell where a run came from; anything may be missing. */
interface EventPayload {
  readonly repository?: Repository | null;
  readonly pull_request?: { readonly head?: { readonly repo?: Repository | null } } | null;
  readonly workflow_run?: { readonly head_repository?: Repository | null } | null;
}

/**
 * Why a run must not reach the server of `uri`: such events run with secrets although a stranger can start them (docs: security
 * hardening for GitHub Actions). Nothing for servers of this machine, which hold no secrets.
 */
export function untrustedReason(event: string, payload: unknown, uri: string): string | undefined {
  if (isLocal(uri)) return undefined;
  const { repository: own, pull_request: pull, workflow_run: run } = (payload ?? {}) as EventPayload;
  switch (event) {
    case 'issue_comment':
      return 'Anybody can start a run by a comment (issue_comment)';
    case 'pull_request_target':
      return isFork(own?.full_name, pull?.head?.repo?.full_name) ? 'The pull request comes from a fork (pull_request_target)' : undefined;
    case 'workflow_run':
      return isFork(own?.full_name, run?.head_repository?.full_name) ? 'The run was started by a fork (workflow_run)' : undefined;
    default:
      return undefined;
  }
}

/** A head that is not known counts as a fork. */
function isFork(own: unknown, head: unknown): boolean {
  return typeof own !== 'string' || own !== head;
}

function isLocal(uri: string): boolean {
  const hosts = /^mongodb:\/\/(?:[^@/]*@)?([^/?]+)/.exec(uri)?.[1]?.split(',') ?? [];
  return hosts.length > 0 && hosts.every((host) => /^(localhost|127(\.\d+){3}|\[::1\])(:\d+)?$/.test(host) || host.startsWith('%2F'));
}
