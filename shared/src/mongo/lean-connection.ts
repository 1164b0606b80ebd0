import type { Socket } from 'node:net';
import { OpMsgRequest } from 'mongodb/lib/cmap/commands.js';
import { Connection, type WriteOptions } from 'mongodb/lib/cmap/connection.js';
import { MessageAssembler } from './message-assembler.ts';
import { readDirectly } from './read-directly.ts';
import { apartOf } from './large-insert.ts';
import { memoryPool } from './memory-pool.ts';

/**
 * A connection of the driver that reads large replies to where they stay, and sends large inserts from where they are. Everything else is the
 * driver's: how the connection is made and secured, what a message means, what an error is. The driver's own way makes a buffer of every piece
 * that comes and copies these together when the message is whole, and copies documents three times before they go out.
 */
export class LeanConnection extends Connection {
  constructor(socket: Socket, options: object) {
    super(socket, options);
    socket.unpipe(this.messageStream);
    const assembler = new MessageAssembler({
      memoryFor: (length) => memoryPool.take(length),
      onMessage: (message) => this.messageStream.push(message),
    });
    readDirectly(socket, {
      space: () => assembler.space(),
      took: (bytes) => {
        this.#alive();
        assembler.took(bytes);
      },
      take: (chunk) => {
        this.#alive();
        assembler.take(chunk);
      },
    });
  }

  override async writeCommand(message: OpMsgRequest, options: WriteOptions): Promise<void> {
    const parts = options.agreedCompressor === 'none' && message instanceof OpMsgRequest ? apartOf(message) : undefined;
    if (parts === undefined) return super.writeCommand(message, options);
    await super.writeCommand({ toBin: () => [parts.head] }, options);
    // Whether they went out is seen by the reply, which is waited for now.
    this.socket.write(parts.documents);
  }

  /** As the driver does for every piece that comes. */
  #alive(): void {
    if (this.delayedTimeoutId === null) return;
    clearTimeout(this.delayedTimeoutId);
    this.delayedTimeoutId = null;
  }
}
