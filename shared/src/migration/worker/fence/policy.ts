import path from 'node:path';

/** What migrations may reach while they are rehearsed. Hosts are `name` (every port) or `name:port`; a name may be a glob: `*.example.com`. */
export interface FencePolicy {
  /** Where the copy is. */
  readonly uri: string;
  /** The addresses of the copy's servers, `name:port`, and the names by which its connection string finds them. */
  readonly copyHosts: readonly string[];
  /** Name that a migration uses → name on the copy's server. Other databases are refused. */
  readonly databases: Readonly<Record<string, string>>;
  /** MongoDB servers that stand for the copy: a client that is opened to one of them gets the copy. */
  readonly mappedHosts: readonly string[];
  readonly allowedHosts: readonly string[];
  /** Programs that may be started, by their file name. */
  readonly allowedPrograms: readonly string[];
  /** Application name of the clients that are sent to the copy. */
  readonly appName: string;
}

/** Something that a migration tried to reach and did not. */
export interface Refusal {
  readonly kind: 'host' | 'database' | 'drop' | 'users' | 'program' | 'thread';
  /** `name:port`, `database.collection`, the name of a command or of a program: never a connection string. */
  readonly target: string;
  /** Absolute path of the migration. */
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
}

export interface Address {
  readonly host: string;
  /** Absent when only the name is looked up. */
  readonly port?: number | undefined;
}

/** Whether one of `hosts` means this address. */
export function isListed({ host, port }: Address, hosts: readonly string[]): boolean {
  const name = sameName(host);
  return hosts.some((listed) => {
    const [, listedName = '', listedPort] = /^(\[[^\]]*\]|[^:]*|[^[]*:[^\]]*:[^\]]*?)(?::(\d+))?$/.exec(listed) ?? [];
    const samePort = port === undefined || listedPort === undefined || Number(listedPort) === port;
    return samePort && path.posix.matchesGlob(name, sameName(listedName));
  });
}

/** Loopback has several names. */
function sameName(host: string): string {
  const name = host
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '');
  return name === 'localhost' || name === '::1' ? '127.0.0.1' : name;
}

/** For people. */
export function addressText({ host, port }: Address): string {
  return port === undefined ? host : `${host}:${port}`;
}

/** The hosts of a connection string, or `undefined` when it is none; one with `+srv` has no port. */
export function hostsOfUri(uri: string): readonly Address[] | undefined {
  const [, srv, hosts] = /^mongodb(\+srv)?:\/\/(?:[^/@]*@)?([^/?]+)/i.exec(uri) ?? [];
  if (hosts === undefined) return undefined;
  return hosts.split(',').map((text) => {
    const host = decodeURIComponent(text);
    const [, name = host, port] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(host) ?? [];
    return srv === undefined ? { host: name, port: Number(port ?? 27_017) } : { host: name };
  });
}

/** The connection string by which a client of a mapped host gets the copy instead; `undefined` for any other. */
export function mappedUri(uri: string, { uri: copy, mappedHosts, databases }: FencePolicy): string | undefined {
  const hosts = hostsOfUri(uri);
  if (hosts === undefined || hosts.length === 0 || !hosts.every((host) => isListed(host, mappedHosts))) return undefined;
  const [, named = ''] = /^mongodb(?:\+srv)?:\/\/[^/?]+\/([^?]*)/i.exec(uri) ?? [];
  const [, address = copy, query = ''] = /^(mongodb(?:\+srv)?:\/\/[^/?]+)(?:\/[^?]*)?(\?.*)?$/i.exec(copy) ?? [];
  const database = decodeURIComponent(named);
  return `${address}/${encodeURIComponent(databases[database] ?? database)}${query}`;
}
