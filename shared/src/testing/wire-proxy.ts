import { once } from 'node:events';
import { createConnection, createServer, type AddressInfo, type Socket } from 'node:net';
import { BSON, type Document } from 'mongodb';

/** A command on its way to the server, or the reply to it. */
export interface WireMessage {
  /** For example `insert`. */
  readonly name: string;
  /** The command, also beside its reply. */
  readonly command: Document;
  readonly kind: 'command' | 'reply';
}

/** What becomes of a message: it goes on when the promise resolves. */
export type WireHook = (message: WireMessage) => Promise<void> | void;

/** What a client is told instead; `undefined`: what the server said. */
export type WireDisguise = (reply: Document) => Document | undefined;

/** A server between clients and a mongod that can hold each command and each reply back. */
export interface WireProxy extends AsyncDisposable {
  /** Connection string through the proxy. */
  readonly uri: string;
}

const headerBytes = 16;
const messageOpcode = 2013;
/** Of the reply to the first `hello` of a connection. */
const oldReplyOpcode = 1;

/** Starts a proxy before the server of `uri`, a replica set of one. Messages of one connection stay in their order. */
export async function startWireProxy(uri: string, hook: WireHook, disguise?: WireDisguise): Promise<WireProxy> {
  const [, host = 'localhost', port = '27017'] = /^mongodb:\/\/([^:/,]+):(\d+)/.exec(uri) ?? [];
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const target = createConnection(Number(port), host);
    const asked = new Map<number, Document>();
    for (const socket of [client, target]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        (socket === client ? target : client).destroy();
      });
    }
    forward(client, target, async (message) => {
      const command = bodyOf(message);
      if (command === undefined) return undefined;
      asked.set(message.readInt32LE(4), command);
      await hook({ kind: 'command', name: nameOf(command), command });
      return undefined;
    });
    forward(target, client, async (message) => {
      const command = asked.get(message.readInt32LE(8));
      asked.delete(message.readInt32LE(8));
      if (command !== undefined) await hook({ kind: 'reply', name: nameOf(command), command });
      return disguise === undefined ? undefined : disguised(message, disguise);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    uri: `mongodb://127.0.0.1:${(server.address() as AddressInfo).port}/?directConnection=true`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Passes whole messages on, one after the other, each when `seen` has resolved, with what it gives instead. */
function forward(from: Socket, to: Socket, seen: (message: Buffer) => Promise<Buffer | undefined>): void {
  let rest: Buffer = Buffer.alloc(0);
  let last: Promise<void> = Promise.resolve();
  from.on('data', (data) => {
    rest = Buffer.concat([rest, data]);
    while (rest.length >= headerBytes && rest.length >= rest.readInt32LE(0)) {
      const message = rest.subarray(0, rest.readInt32LE(0));
      rest = rest.subarray(message.length);
      last = last.then(() => seen(message)).then((instead) => void (to.writable && to.write(instead ?? message)));
    }
  });
}

/** The document of an OP_MSG; its other sections hold lists of documents and are left out. */
function bodyOf(message: Buffer): Document | undefined {
  if (message.readInt32LE(12) !== messageOpcode) return undefined;
  for (let at = headerBytes + 4; at < message.length;) {
    const size = message.readInt32LE(at + 1);
    if (message[at] === 0) return BSON.deserialize(message.subarray(at + 1, at + 1 + size));
    at += 1 + size;
  }
  return undefined;
}

function disguised(message: Buffer, disguise: WireDisguise): Buffer | undefined {
  const at = { [messageOpcode]: headerBytes + 5, [oldReplyOpcode]: headerBytes + 20 }[message.readInt32LE(12)];
  if (at === undefined) return undefined;
  const end = at + message.readInt32LE(at);
  const reply = disguise(BSON.deserialize(message.subarray(at, end)));
  if (reply === undefined) return undefined;
  const changed = Buffer.concat([message.subarray(0, at), BSON.serialize(reply), message.subarray(end)]);
  changed.writeInt32LE(changed.length);
  return changed;
}

function nameOf(command: Document): string {
  return Object.keys(command)[0] ?? '';
}
