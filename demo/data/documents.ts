import { Decimal128, ObjectId, type Document } from 'mongodb';
import { seededRandom, type Random } from './random.ts';

/** How many documents each collection gets: 200,000 in all. */
export const sizes = {
  users: 40_000,
  drivers: 5_000,
  products: 14_000,
  wallets: 40_000,
  deliveryorders: 100_000,
  sessions: 800,
  events: 200,
} as const;

export type CollectionName = keyof typeof sizes;

const firstNames = [
  'Amal',
  'Bashir',
  'Cem',
  'Dina',
  'Élodie',
  'Farid',
  'Greta',
  'Hana',
  'Idris',
  'Jürgen',
  'Khalid',
  'Leïla',
  'Mona',
  'Nils',
];
const lastNames = ['Abbas', 'Brandt', 'Costa', 'Demir', 'Engström', 'Fayed', 'García', 'Haddad', 'Ito', 'Jansen', 'Kowalski', 'López'];
const cities = [
  { name: 'Aden', longitude: 45.03, latitude: 12.78 },
  { name: 'Hamburg', longitude: 9.99, latitude: 53.55 },
  { name: 'Izmir', longitude: 27.14, latitude: 38.42 },
  { name: 'Lisboa', longitude: -9.14, latitude: 38.72 },
] as const;
const goods = ['rice', 'tea', 'honey', 'bread', 'dates', 'coffee', 'olive oil', 'water', 'soap', 'lamp'];
const qualities = ['fresh', 'organic', 'large', 'small', 'roasted', 'mild', 'strong', 'local'];
const orderStatuses = ['pending', 'assigned', 'delivered', 'delivered', 'delivered', 'cancelled'] as const;
const firstDay = Date.UTC(2025, 0, 1);
const minute = 60_000;
/** Sessions of the sample data never run out: a TTL index that deletes in the middle of a run would blur what the migrations did. */
const farFuture = new Date(Date.UTC(2099, 11, 31));

/** Each collection numbers its `_id`s in a range of its own, so that references need no look-up. */
const idPrefix = { users: 'a1', drivers: 'b2', products: 'c3', wallets: 'd4', deliveryorders: 'e5', sessions: 'f6', events: 'a7' } as const;

function idOf(collection: CollectionName, index: number): ObjectId {
  return new ObjectId(idPrefix[collection] + index.toString(16).padStart(22, '0'));
}

/** The documents of one collection, always the same for the same `seed`. */
export function* documentsOf(collection: CollectionName, seed = 20_26): Generator<Document> {
  const random = seededRandom(seed ^ Number.parseInt(idPrefix[collection], 16));
  for (let index = 0; index < sizes[collection]; index += 1) yield makers[collection](index, random);
}

const makers: Readonly<Record<CollectionName, (index: number, random: Random) => Document>> = {
  users: (index, random) => ({
    _id: idOf('users', index),
    phone: `+9677${String(index).padStart(8, '0')}`,
    name: `${random.pick(firstNames)} ${random.pick(lastNames)}`,
    // Only some users gave one: what the sparse index is for.
    ...(index % 3 === 0 ? { email: `user${index}@example.org` } : {}),
    address: { city: random.pick(cities).name, street: `Street ${random.below(900)}` },
    createdAt: new Date(firstDay + index * minute),
  }),
  drivers: (index, random) => {
    const city = random.pick(cities);
    return {
      _id: idOf('drivers', index),
      name: `${random.pick(firstNames)} ${random.pick(lastNames)}`,
      city: city.name,
      online: index % 4 !== 0,
      location: pointNear(city, random),
      rating: Decimal128.fromString((3 + random.below(200) / 100).toFixed(2)),
      lastSeenAt: new Date(firstDay + random.below(500_000) * minute),
    };
  },
  products: (index, random) => {
    const [quality, good] = [random.pick(qualities), random.pick(goods)];
    return {
      _id: idOf('products', index),
      sku: `SKU-${String(index).padStart(6, '0')}`,
      title: `${quality} ${good}`,
      description: `A ${quality} kind of ${good}, package ${random.below(50)}.`,
      cents: 100 + random.below(9_900),
      attributes: { weight: random.below(5_000), [random.pick(['color', 'origin', 'grade'])]: random.pick(qualities) },
    };
  },
  wallets: (index, random) => ({
    _id: idOf('wallets', index),
    userId: idOf('users', index),
    balance: Decimal128.fromString((random.below(1_000_000) / 100).toFixed(2)),
    currency: random.pick(['EUR', 'TRY', 'YER']),
    updatedAt: new Date(firstDay + index * minute),
  }),
  deliveryorders: (index, random) => {
    const status = random.pick(orderStatuses);
    const items = Array.from({ length: 1 + random.below(3) }, () => ({
      productId: idOf('products', random.below(sizes.products)),
      quantity: 1 + random.below(4),
    }));
    return {
      _id: idOf('deliveryorders', index),
      number: index + 1,
      userId: idOf('users', random.below(sizes.users)),
      ...(status === 'assigned' || status === 'delivered' ? { driverId: idOf('drivers', random.below(sizes.drivers)) } : {}),
      status,
      items,
      total: 500 + random.below(20_000),
      destination: pointNear(random.pick(cities), random),
      createdAt: new Date(firstDay + index * minute),
      // The oldest third was written before this field existed: what the bad release trips over.
      ...(index * 3 < sizes.deliveryorders ? {} : { archived: false }),
    };
  },
  sessions: (index, random) => ({
    _id: idOf('sessions', index),
    userId: idOf('users', random.below(sizes.users)),
    tokenHash: `sample-${index}`,
    expiresAt: farFuture,
  }),
  events: (index, random) => ({
    _id: idOf('events', index),
    kind: random.pick(['login', 'order', 'payment']),
    at: new Date(firstDay + index * minute),
  }),
};

function pointNear(city: (typeof cities)[number], random: Random): Document {
  const spread = (): number => (random.below(20_001) - 10_000) / 100_000;
  return { type: 'Point', coordinates: [city.longitude + spread(), city.latitude + spread()] };
}
