import type { Socket } from 'node:net';

/** Where a socket's bytes go. */
export interface Sink {
  /** Where the next bytes belong. Never empty. */
  space(): Buffer;
  /** So many bytes are in what `space` gave. */
  took(bytes: number): void;
  /** Bytes that were read to another place. */
  take(chunk: Uint8Array): void;
}

/**
 * Reads all that comes over a socket that is connected into the memory of `sink`, as the option `onread` of `net.connect` does for a socket
 * that is to be made: without it Node makes a buffer of 64 KiB for every read, which costs more than the reading. The three fields of the
 * socket that the option sets have no public name; a Node that has others gives its buffers, which are copied. Errors that `sink` throws
 * destroy the socket.
 */
export function readDirectly(socket: Socket, sink: Sink): void {
  const guarded = (work: () => void): boolean => {
    try {
      work();
      return true;
    } catch (error) {
      socket.destroy(error as Error);
      return false;
    }
  };
  const handle = (socket as unknown as { _handle?: { useUserBuffer?: (buffer: Buffer) => void } })._handle;
  const [buffer, callback, generator] = ['kBuffer', 'kBufferCb', 'kBufferGen'].map((name) => fieldOf(socket, name));
  if (buffer === undefined || callback === undefined || generator === undefined || handle?.useUserBuffer === undefined) {
    socket.on('data', (chunk: Buffer) => guarded(() => sink.take(chunk)));
    return;
  }
  const space = sink.space();
  Object.assign(socket, {
    [buffer]: space,
    [generator]: () => sink.space(),
    [callback]: (bytes: number) => guarded(() => sink.took(bytes)),
  });
  handle.useUserBuffer(space);
  socket.resume();
}

/** A field that this version of Node gives every socket under a symbol. */
function fieldOf(socket: Socket, name: string): symbol | undefined {
  return Object.getOwnPropertySymbols(socket).find(({ description }) => description === name);
}
