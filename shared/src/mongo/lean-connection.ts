import type { Socket } from 'node:net';
import { Connection } from 'mongodb/lib/cmap/connection.js';
import { MessageAssembler } from './message-assembler.ts';
import { readDirectly } from './read-directly.ts';
import { memoryPool } from './memory-pool.ts';

/**
 * A connection of the driver that reads large replies to where they stay. Everything else is the driver's: how the connection is made and
 * secured, what a message means, what an error is. The driver's own way makes a buffer of every piece that comes and copies these together
 * when the message is whole.
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

  /** As the driver does for every piece that comes. */
  #alive(): void {
    if (this.delayedTimeoutId === null) return;
    clearTimeout(this.delayedTimeoutId);
    this.delayedTimeoutId = null;
  }
}
