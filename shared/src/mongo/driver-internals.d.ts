// The parts of the driver's inside that are used, at the pinned version. Each is proven before its first use, or not needed.

/** See `raw-write.ts`. */
declare module 'mongodb/lib/cmap/commands.js' {
  /** A section of kind 1 of OP_MSG: documents that are sent as bytes. */
  export class DocumentSequence {
    constructor(field: string);
    /** The head of the section, then what was pushed. */
    readonly chunks: readonly Uint8Array[];
    push(document: object, buffer: Uint8Array): number;
    toBin(): Uint8Array;
  }

  export class OpMsgRequest {
    constructor(database: string, command: object, options: object);
    readonly command: Record<string, unknown>;
    toBin(): Uint8Array[];
  }
}

/** See `lean-connection.ts`. */
declare module 'mongodb/lib/cmap/connection.js' {
  import type { Socket } from 'node:net';
  import type { Transform } from 'node:stream';

  export interface WriteOptions {
    /** `none` when messages go out as they are. */
    readonly agreedCompressor?: string;
  }

  export class Connection {
    constructor(socket: Socket, options: object);
    readonly socket: Socket;
    /** Takes the bytes of the socket, gives one message of the wire protocol after another. */
    readonly messageStream: Transform;
    /** Set after the socket said that it waited too long: the connection ends unless bytes come now. */
    delayedTimeoutId: NodeJS.Timeout | null;
    /** Sends one message; its reply is waited for by others. */
    writeCommand(message: { toBin(): Uint8Array[] }, options: WriteOptions): Promise<void>;
  }
}
