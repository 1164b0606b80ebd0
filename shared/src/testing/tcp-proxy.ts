import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { pipeline } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  /** From now on every byte is lost, in both directions, and new connections get no answer; nobody is told. */
  lose(): void;
  /** Bytes go through again; those that were held back first, as TCP would send them again. */
  heal(): void;
  /** Cuts all connections, as a router does that forgot them. */
  reset(): void;
}

/** A proxy on loopback that is a network with faults. `bytesPerSecond` is the rate of each connection; default: as fast as can be. */
export async function startTcpProxy(
  target: { readonly host: string; readonly port: number },
  bytesPerSecond = Infinity,
): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  const state: { healed: Promise<void>; heal: () => void } = { healed: Promise.resolve(), heal: () => undefined };
  const link = async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
    for await (const chunk of chunks) {
      await passed(chunk, () => state.healed, bytesPerSecond);
      yield chunk;
    }
  };
  const server = createServer((near) => {
    const far = connect(target);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('close', () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
      socket.on('error', () => undefined);
    }
    // Either end may go at any time, and takes the other one along.
    pipeline(near, link, far, () => undefined);
    pipeline(far, link, near, () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const reset = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    lose() {
      state.healed = new Promise((resolve) => {
        state.heal = resolve;
      });
    },
    heal: () => state.heal(),
    reset,
    async [Symbol.asyncDispose]() {
      state.heal();
      reset();
      server.close();
      await once(server, 'close');
    },
  };
}

async function passed({ length }: Buffer, healed: () => Promise<void>, bytesPerSecond: number): Promise<void> {
  await healed();
  if (bytesPerSecond !== Infinity) await sleep((length / bytesPerSecond) * 1_000);
}
