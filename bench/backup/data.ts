import { randomBytes } from 'node:crypto';
import type { Db } from 'mongodb';
import { ObjectId } from 'mongodb';

/** What is put into one database before it is measured. */
export interface Dataset {
  readonly name: string;
  readonly what: string;
  /** Whether only who names it wants it. */
  readonly slow?: boolean;
  /** `scale` multiplies the number of documents. */
  fill(db: Db, scale: number): Promise<void>;
}

const words =
  'alpha bravo charlie delta echo foxtrot golf hotel india juliet kilo lima mike november oscar papa quebec romeo sierra tango'.split(' ');

type Random = () => number;

/** Mulberry32: the same documents in every run, without a period that a compressor could find. */
function randomFrom(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}

const whole = (random: Random, below: number): number => Math.floor(random() * below);
const word = (random: Random): string => words[whole(random, words.length)] ?? '';
const sentence = (random: Random, length: number): string => Array.from({ length }, () => word(random)).join(' ');

function order(random: Random, number: number): object {
  return {
    number,
    user: new ObjectId(),
    status: word(random),
    createdAt: new Date(1.6e12 + random() * 1e11),
    address: {
      street: `${word(random)} ${whole(random, 1_000)}`,
      city: word(random),
      geo: { type: 'Point', coordinates: [random() * 180, random() * 90] },
    },
    items: Array.from({ length: 4 }, () => ({
      sku: `SKU${whole(random, 1e6)}`,
      quantity: whole(random, 5),
      price: random() * 100,
      title: sentence(random, 2),
    })),
    note: sentence(random, 4 + whole(random, 8)),
  };
}

interface Filling {
  readonly collection: string;
  readonly count: number;
  readonly batch: number;
  readonly make: (random: Random, number: number) => object;
}

async function insert(db: Db, { collection, count, batch, make }: Filling): Promise<void> {
  const random = randomFrom(count);
  for (let start = 0; start < count; start += batch) {
    const documents = Array.from({ length: Math.min(batch, count - start) }, (_, index) => make(random, start + index));
    await db.collection(collection).insertMany(documents, { ordered: false });
  }
}

export const datasets: readonly Dataset[] = [
  {
    name: 'tiny',
    what: '1,000,000 documents of 22 bytes',
    fill: (db, scale) =>
      insert(db, { collection: 'tiny', count: 1e6 * scale, batch: 20_000, make: (_random, number) => ({ _id: number, n: number }) }),
  },
  {
    name: 'orders',
    what: '500,000 documents of 0.6 KB, one index beside _id',
    async fill(db, scale) {
      await insert(db, { collection: 'orders', count: 5e5 * scale, batch: 5_000, make: order });
      await db.collection('orders').createIndex({ user: 1 });
    },
  },
  {
    name: 'wide',
    what: '5,000 documents of 50 KB',
    fill: (db, scale) =>
      insert(db, {
        collection: 'wide',
        count: 5e3 * scale,
        batch: 200,
        make: (random, number) => ({ number, lines: Array.from({ length: 85 }, () => order(random, number)) }),
      }),
  },
  {
    name: 'many',
    what: '200 collections of 1,000 orders, one index each beside _id',
    async fill(db, scale) {
      for (let number = 0; number < 200; number++) {
        await insert(db, { collection: `orders_${number}`, count: 1e3 * scale, batch: 1_000, make: order });
        await db.collection(`orders_${number}`).createIndex({ user: 1 });
      }
    },
  },
  {
    name: 'big',
    what: '2,000,000 documents of 0.6 KB in one collection',
    fill: (db, scale) => insert(db, { collection: 'orders', count: 2e6 * scale, batch: 5_000, make: order }),
  },
  {
    name: 'largest',
    what: '100 documents of 15.9 MiB that do not shrink',
    slow: true,
    fill: (db, scale) =>
      insert(db, { collection: 'largest', count: 100 * scale, batch: 1, make: () => ({ bytes: randomBytes(15.9 * 2 ** 20) }) }),
  },
  {
    name: 'ten-thousand',
    what: '10,000 collections of 10 small documents',
    slow: true,
    async fill(db, scale) {
      for (let number = 0; number < 1e4 * scale; number++)
        await insert(db, { collection: `c${number}`, count: 10, batch: 10, make: (_random, index) => ({ _id: index, number }) });
    },
  },
];
