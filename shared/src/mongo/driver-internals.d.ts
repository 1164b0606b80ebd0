/** The one part of the driver's inside that is used, at the pinned version; `raw-write.ts` proves it before its first use. */
declare module 'mongodb/lib/cmap/commands.js' {
  /** A section of kind 1 of OP_MSG: documents that are sent as bytes. */
  export class DocumentSequence {
    constructor(field: string);
    push(document: object, buffer: Uint8Array): number;
    toBin(): Uint8Array;
  }

  export class OpMsgRequest {
    constructor(database: string, command: object, options: object);
    toBin(): Uint8Array[];
  }
}
