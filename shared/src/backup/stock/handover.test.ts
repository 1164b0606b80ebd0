import { describe, expect, test } from '@jest/globals';
import { Handover } from './handover.ts';

const frame = (documents: number): { bytes: Buffer; documents: number } => ({ bytes: Buffer.alloc(0), documents });

async function take(handover: Handover): Promise<number[]> {
  const taken: number[] = [];
  for await (const { documents } of handover) taken.push(documents);
  return taken;
}

describe('a handover', () => {
  test('gives every frame in its order', async () => {
    const handover = new Handover();
    const taking = take(handover);
    for (const documents of [1, 2, 3]) await handover.put(frame(documents));
    handover.end();
    expect(await taking).toEqual([1, 2, 3]);
  });

  test('lets the reader go on when nobody takes any more', async () => {
    const handover = new Handover();
    const putting = handover.put(frame(1));
    handover.end();
    await putting;
    await handover.put(frame(2));
    expect(await take(handover)).toEqual([1]);
  });

  test('lets the reader go on when the consumer leaves', async () => {
    const handover = new Handover();
    const putting = handover.put(frame(1));
    for await (const { documents } of handover) if (documents === 1) break;
    await putting;
    await handover.put(frame(2));
  });

  test('tells the consumer why there is no more', async () => {
    const handover = new Handover();
    const taking = take(handover);
    handover.fail(new Error('cut off'));
    await expect(taking).rejects.toThrow('cut off');
  });
});
