import dgram from 'node:dgram';
import dns from 'node:dns';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';
import { addressText, isListed, type Address, type FencePolicy } from './policy.ts';
import type { Place, Refusals } from './refuse.ts';

export interface NetworkFence {
  readonly policy: FencePolicy;
  readonly refusals: Refusals;
  /** Told of each socket that connects to the copy, after `connect`, which resets `write`, and before anything is sent. */
  readonly onCopySocket: (socket: net.Socket) => void;
  /** Where a client of this address was made. */
  readonly placeOfClient: (address: Address) => Place | undefined;
}

type AnyFunction = (this: unknown, ...args: unknown[]) => unknown;

/** Lets sockets of any kind (TLS, HTTP and `fetch` are made of them), datagrams and name look-ups reach the copy and what is allowed, nothing else. */
export function fenceNetwork(fence: NetworkFence): void {
  fenceSockets(fence);
  fenceDatagrams(fence);
  fenceNames(fence);
  syncBuiltinESMExports();
}

function fenceSockets({ policy, refusals, onCopySocket, placeOfClient }: NetworkFence): void {
  const { connect } = net.Socket.prototype as unknown as Readonly<Record<'connect', AnyFunction>>;
  const fenced = function (this: net.Socket, ...args: unknown[]): unknown {
    const address = destination(args);
    if (isListed(address, policy.copyHosts)) {
      const connecting = connect.apply(this, args);
      onCopySocket(this);
      return connecting;
    }
    if (isListed(address, policy.allowedHosts)) return connect.apply(this, args);
    const error = refusals.refuse({ kind: 'host', target: addressText(address) }, placeOfClient(address));
    process.nextTick(() => this.destroy(error));
    return this;
  };
  net.Socket.prototype.connect = fenced as net.Socket['connect'];
}

/** Where `connect` goes, by its many forms: options, port and host, path, and an array of them from within Node. */
export function destination(args: readonly unknown[]): Address {
  const [first, second] = (Array.isArray(args[0]) ? args[0] : args) as readonly unknown[];
  if (typeof first === 'object' && first !== null) {
    const { path: pipe, host, port } = first as { readonly path?: string; readonly host?: string; readonly port?: number | string };
    return typeof pipe === 'string' ? { host: pipe } : { host: host ?? 'localhost', port: Number(port) };
  }
  const port = Number(first);
  if (typeof first === 'string' && Number.isNaN(port)) return { host: first };
  return { host: typeof second === 'string' ? second : 'localhost', port };
}

function fenceDatagrams({ policy, refusals }: NetworkFence): void {
  for (const method of ['send', 'connect'] as const) {
    const original = dgram.Socket.prototype[method] as AnyFunction;
    const fenced = function (this: dgram.Socket, ...args: unknown[]): unknown {
      const address = datagramAddress(method, args);
      if (address === undefined || isListed(address, policy.allowedHosts)) return original.apply(this, args);
      const error = refusals.refuse({ kind: 'host', target: addressText(address) });
      process.nextTick(() => this.emit('error', error));
      return undefined;
    };
    dgram.Socket.prototype[method] = fenced as never;
  }
}

/** `connect(port, address)`, `send(message, port, address)`, `send(message, offset, length, port, address)`; without a port: to where it is connected. */
function datagramAddress(method: 'send' | 'connect', args: readonly unknown[]): Address | undefined {
  const numbers = args.slice(method === 'connect' ? 0 : 1).filter((value) => typeof value === 'number');
  const port = method === 'connect' ? numbers[0] : numbers.length > 1 ? numbers[2] : numbers[0];
  if (port === undefined) return undefined;
  const host = args.findLast((value, index) => typeof value === 'string' && index > 0) as string | undefined;
  return { host: host ?? '127.0.0.1', port };
}

const lookups = /^(lookup|lookupService|reverse|resolve\w*)$/;

function fenceNames(fence: NetworkFence): void {
  wrapLookups(dns, fence, refuseByCallback);
  wrapLookups(dns.Resolver.prototype, fence, refuseByCallback);
  wrapLookups(dns.promises, fence, refuseByPromise);
  wrapLookups(dns.promises.Resolver.prototype, fence, refuseByPromise);
}

function wrapLookups(
  owner: object,
  { policy, refusals }: NetworkFence,
  refused: (error: Error, args: readonly unknown[]) => unknown,
): void {
  const functions = owner as Record<string, AnyFunction>;
  for (const name of methodsOf(owner)) {
    const original = functions[name];
    if (!lookups.test(name) || original === undefined) continue;
    functions[name] = function (this: unknown, ...args: unknown[]): unknown {
      const host = String(args[0]);
      const service = /^_mongodb\._tcp\./i.test(host) ? host.replace(/^_mongodb\._tcp\./i, '') : host;
      if (net.isIP(host) !== 0 || isListed({ host: service }, [...policy.copyHosts, ...policy.allowedHosts]))
        return original.apply(this, args);
      return refused(refusals.refuse({ kind: 'host', target: service }), args);
    };
  }
}

function refuseByCallback(error: Error, args: readonly unknown[]): unknown {
  const callback = args.at(-1) as (error: Error) => void;
  process.nextTick(() => callback(error));
  return {};
}

function refuseByPromise(error: Error): Promise<never> {
  return Promise.reject(error);
}

function methodsOf(owner: object): readonly string[] {
  const inherited: unknown = Object.getPrototypeOf(owner);
  const more = inherited === null || inherited === Object.prototype ? [] : Object.getOwnPropertyNames(inherited);
  return [...Object.getOwnPropertyNames(owner), ...more];
}
