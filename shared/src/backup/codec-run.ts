import type { Transform } from 'node:stream';

/** Where an engine of node:zlib puts its output. An engine without these two fields, which have no public name, makes its own buffers. */
interface Engine extends Transform {
  _outBuffer?: Buffer;
  _chunkSize?: number;
}

/** A way to give an engine of node:zlib its input in one piece. */
export interface CodecRun {
  /** The engine for an output buffer of this length. */
  readonly engine: (chunkSize: number) => Transform;
  readonly input: Buffer;
  /** The longest output that is expected, bytes. */
  readonly expected: number;
  /** The longest output that is taken, bytes; after it the run fails. */
  readonly longest?: number | undefined;
  /** Memory for the output; it is used when it holds `expected` bytes. */
  readonly output?: Buffer | undefined;
}

/**
 * Runs an engine to its end in the thread pool and gives the pieces of its output: one, at the start of `output`, if that is large enough.
 * An engine makes a buffer of its own for every run, which the garbage collector then has to find: with frames of 16 MiB that costs more than
 * the run is worth, so the engine is given the memory to use. Throws whatever the engine throws, and a RangeError for too long an output.
 */
export async function runCodec({ engine: create, input, expected, longest = Infinity, output }: CodecRun): Promise<readonly Buffer[]> {
  const own = output !== undefined && output.length >= expected;
  const engine: Engine = create(own ? 64 : expected);
  if (own) {
    if (engine._outBuffer === undefined || engine._chunkSize === undefined) return runCodec({ engine: create, input, expected, longest });
    engine._outBuffer = output;
    engine._chunkSize = output.length;
  }
  const pieces: Buffer[] = [];
  let bytes = 0;
  await new Promise<void>((resolve, reject) => {
    engine.on('error', reject);
    engine.on('end', resolve);
    engine.on('data', (piece: Buffer) => {
      bytes += piece.length;
      if (bytes > longest) engine.destroy(new RangeError(`more than ${longest} bytes come out`));
      else pieces.push(piece);
    });
    engine.end(input);
  });
  return pieces;
}
