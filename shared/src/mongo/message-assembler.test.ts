import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MessageAssembler } from './message-assembler.ts';

function messageOf(length: number): Buffer {
  const message = randomBytes(length);
  message.writeInt32LE(length);
  return message;
}

/** Gives the bytes in pieces of these lengths, over and over, to `give`. */
function inPieces(bytes: Buffer, lengths: readonly number[], give: (piece: Buffer) => void): void {
  for (let position = 0, index = 0; position < bytes.length; index++) {
    const length = lengths[index % lengths.length] ?? 1;
    give(bytes.subarray(position, position + length));
    position += length;
  }
}

function assembled(): { readonly assembler: MessageAssembler; readonly messages: Buffer[]; readonly large: number[] } {
  const messages: Buffer[] = [];
  const large: number[] = [];
  const memoryFor = (length: number): Buffer => {
    large.push(length);
    return Buffer.allocUnsafe(length);
  };
  return { assembler: new MessageAssembler({ memoryFor, onMessage: (message) => messages.push(message) }), messages, large };
}

describe('messages are whole and in their order', () => {
  const someLengths = fc.array(fc.oneof(fc.integer({ min: 16, max: 400 }), fc.integer({ min: 60_000, max: 200_000 })), {
    minLength: 1,
    maxLength: 12,
  });
  const somePieces = fc.array(fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1_000, max: 150_000 })), {
    minLength: 1,
    maxLength: 6,
  });

  test('however the bytes come', () => {
    fc.assert(
      fc.property(someLengths, somePieces, (lengths, pieces) => {
        const sent = lengths.map(messageOf);
        const { assembler, messages } = assembled();
        inPieces(Buffer.concat(sent), pieces, (piece) => assembler.take(piece));
        expect(messages.map((message, index) => message.equals(sent[index] ?? Buffer.alloc(0)))).toEqual(sent.map(() => true));
      }),
      { numRuns: 60, seed: 5 },
    );
  });

  test('when they are read to the place that was asked for, and a large one to memory of its own', () => {
    const sent = [messageOf(16), messageOf(3 * 2 ** 20), messageOf(100)];
    const { assembler, messages, large } = assembled();
    const all = Buffer.concat(sent);
    for (let position = 0; position < all.length;) {
      const read = all.copy(assembler.space(), 0, position, position + 70_001);
      assembler.took(read);
      position += read;
    }
    expect(messages.map(({ length }) => length)).toEqual([16, 3 * 2 ** 20, 100]);
    expect(Buffer.concat(messages).equals(all)).toBe(true);
    expect(large).toEqual([3 * 2 ** 20]);
  });
});

test.each([0, 15, -1, 48_000_001])('a message of the length %d is refused', (length) => {
  const header = Buffer.alloc(16);
  header.writeInt32LE(length);
  const { assembler, messages } = assembled();
  expect(() => assembler.take(header)).toThrow(RangeError);
  expect(messages).toEqual([]);
});
