/** How many items run side by side: as many as weigh `room` together, so that waiting for many small ones overlaps, and at most `most`. */
export interface Width<T> {
  readonly most: number;
  readonly room: number;
  /** In the unit of `room`. An item that weighs more than the room runs alone. */
  readonly weightOf: (item: T) => number;
}

/** What whoever works on a large collection holds: a frame or a reply of 16 MiB, and the next one. */
const heldBytes = 2 ** 25;

/** `large` collections side by side, or up to eight small ones that hold no more together. `bytesOf` tells the bytes of BSON of an item. */
export function widthByBytes<T>(large: number, bytesOf: (item: T) => number): Width<T> {
  return { most: 8, room: large * heldBytes, weightOf: (item) => Math.min(bytesOf(item), heldBytes) };
}

/**
 * Runs `work` for every item, at most `width` at a time, in the order of the items. After the first failure nothing new is started; it is
 * thrown when all that was running has ended.
 */
export async function inParallel<T>(items: readonly T[], width: number | Width<T>, work: (item: T) => Promise<void>): Promise<void> {
  const { most, room, weightOf } = typeof width === 'number' ? { most: width, room: width, weightOf: () => 1 } : width;
  const failures: unknown[] = [];
  let running = 0;
  let weight = 0;
  let wake = (): void => undefined;
  const until = async (ready: () => boolean): Promise<void> => {
    while (!ready()) await new Promise<void>((resolve) => (wake = resolve));
  };
  const run = async (item: T, own: number): Promise<void> => {
    try {
      await work(item);
    } catch (error) {
      failures.push(error);
    }
    running--;
    weight -= own;
    wake();
  };
  for (const item of items) {
    const own = weightOf(item);
    await until(() => running === 0 || (running < most && weight + own <= room));
    if (failures.length > 0) break;
    running++;
    weight += own;
    void run(item, own);
  }
  await until(() => running === 0);
  if (failures.length > 0) throw failures[0];
}
